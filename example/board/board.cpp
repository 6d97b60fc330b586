// Distributed under the Boost Software License, Version 1.0.
#include <strait/board.hpp>

#include <iostream>
#include <string>

struct pose {
    double x, y;
};

struct robot {  // each member is a key of the board
    pose where;
    double battery;
    std::string task;
};
using board = strait::board<robot>;

void drive()
{
    board::writer<&robot::where> where{"robot", {.keep = true}};  // the values stay when this process ends
    board::writer<&robot::battery> battery{"robot"};
    board::writer<&robot::task> task{"robot"};
    task.send("carry a box");
    for (int step = 1; step <= 4; ++step) {
        where.send({step * 1.0, step * 0.5});
        battery.send(1 - step * 0.125);
    }
}

void look()
{
    board::reader<&robot::where> where{"robot"};
    board::reader<&robot::battery> battery{"robot"};
    board::reader<&robot::task> task{"robot"};
    for (int times = 0; times != 2; ++times)  // looking takes nothing
        if (auto const at = where.current())
            std::cout << "at " << at->x << ' ' << at->y << ", battery " << battery.current().value() << ", task: " << task.current().value() << '\n';
        else
            std::cout << "nothing is known of the robot\n";
}

int main(int argc, char** argv)
{
    std::string const what = argc > 1 ? argv[1] : "look";
    if (what == "remove")
        board::remove("robot").value();
    else
        what == "drive" ? drive() : look();
}
