// Errors as values for everything but the query path (which uses closed enums and optionals).
//
// An Error carries a reason, one word from a fixed vocabulary that logs, metrics, `status` and JSON share,
// and a message that says what, where and what to do. Plain values: any thread, no shared state.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace understudy {

struct Error {
  std::string_view reason;  // a string literal such as "connection-refused"; lives for ever
  std::string message;

  Error() = default;
  // Not an aggregate: a string alone must not turn into an Error, or Result<std::string> could not be made
  // from one.
  Error(std::string_view why, std::string text) : reason(why), message(std::move(text)) {}

  // The same error, told from further out: "while transferring example.com.: connection refused".
  Error within(std::string_view context) const { return {reason, std::string(context) + ": " + message}; }
};

template <class T = void>
using Result = boost::system::result<T, Error>;

// value() on a failed result is a bug in the caller.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace understudy
