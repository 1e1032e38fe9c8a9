// Boost.JSON and Beast, compiled here once so that no other file pays for it.
#include <boost/beast/src.hpp>
#include <boost/json/src.hpp>
