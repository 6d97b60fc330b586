// Distributed under the Boost Software License, Version 1.0.
// Qt and Xlib have macros of short names. Whoever includes them first can still use the whole library; Boost's own headers
// must come before them, as Qt's and X11's users know.
#include <boost/asio.hpp>
#include <boost/assert.hpp>
#include <boost/core/type_name.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/system_error.hpp>

#include <stop_token>

#define QT_VERSION 0
#define signals public
#define slots
#define emit
#define foreach(variable, container) for (variable : container)
#define forever for (;;)
#define Q_SIGNALS public
#define Q_SLOTS
#define Q_EMIT
#define Q_FOREACH(variable, container) for (variable : container)
#define Q_FOREVER for (;;)

#define Bool int
#define Status int
#define True 1
#define False 0
#define None 0L
#define Success 0
#define Above 0
#define Below 1
#define TopIf 2
#define BottomIf 3
#define Opposite 4
#define Always 2
#define WhenMapped 1
#define NotUseful 0
#define Complex 0
#define Nonconvex 1
#define Convex 2
#define CurrentTime 0L
#define NoSymbol 0L
#define NoEventMask 0L
#define ParentRelative 1L
#define CopyFromParent 0L
#define PointerWindow 0L
#define InputFocus 1L
#define PointerRoot 1L
#define AnyPropertyType 0L
#define AnyKey 0L
#define AnyButton 0L
#define AllTemporary 0L
#define KeyPress 2
#define KeyRelease 3
#define ButtonPress 4
#define ButtonRelease 5
#define MotionNotify 6
#define EnterNotify 7
#define LeaveNotify 8
#define FocusIn 9
#define FocusOut 10
#define Expose 12
#define MapNotify 19
#define ClientMessage 33
#define GenericEvent 35
#define ShiftMask 1
#define LockMask 2
#define ControlMask 4
#define Unsorted 0
#define YSorted 1
#define Origin 0
#define Mapped 1
#define BadRequest 1
#define BadValue 2
#define BadAccess 10
#define BadAlloc 11
#define LineSolid 0
#define FillSolid 0
#define GrabModeSync 0
#define GrabSuccess 0
#define DoRed 1
#define DestroyAll 0
#define RetainPermanent 1
#define DirectColor 5
#define GrayScale 1
#define StaticGray 0
#define PseudoColor 3
#define TrueColor 4
#define IsUnviewable 1
#define IsViewable 2
#define LSBFirst 0
#define MSBFirst 1
#define Button1 1
#define RevertToNone 0

#include <strait.hpp>
#include <strait/acceptor.hpp>
#include <strait/async.hpp>
#include <strait/async_rpc.hpp>
#include <strait/connection.hpp>
#include <strait/rpc.hpp>

using ring = strait::shm_ring<>;

void use(boost::asio::io_context& context, std::stop_token stop)
{
    strait::sender<int, ring> out{"numbers", {.connect_timeout = strait::infinite}};
    strait::receiver<int, ring> in{"numbers"};
    out.send(1);
    (void)out.send(2, stop);
    (void)in.receive(stop);
    for (int n : in)
        (void)out.try_send(n);
    (void)strait::select(strait::deadline::never(), in);
    strait::async_receiver<int, ring> later{context, std::move(in)};
    strait::connection<int, int, strait::unix_stream> c{"oracle"};
    c.send(1);
}
