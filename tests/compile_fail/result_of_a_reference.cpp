// expect: result<T&>: use result<T\*> or result of a view
// A result owns what it holds.
#include <fewbits/number.hpp>

#include <fewbits/base/error.hpp>

int storage = 0;
#ifdef CONTROL
fewbits::result<int*> x{&storage};
#else
fewbits::result<int&> x{storage};
#endif
