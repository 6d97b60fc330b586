// Distributed under the Boost Software License, Version 1.0.

// What is precompiled is made with this file (STRAIT_TEST_PRECOMPILED).
