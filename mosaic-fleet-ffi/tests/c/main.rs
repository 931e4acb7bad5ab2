//! The C ABI from outside: its header, symbols and layouts, and programs in C and C++.
