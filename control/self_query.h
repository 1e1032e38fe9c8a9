// Asks our own socket: whether this server answers, as its clients would see it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>

#include "net/address.h"

namespace understudy::control {

// Sends one query over UDP to an address that the server is bound to (a wildcard address: to loopback).
// `done` is called once, on the thread of `context`: whether any response came in time. What the response
// says does not matter here.
void ask_ourselves(boost::asio::io_context& context, const net::Endpoint& bound,
                   std::chrono::milliseconds limit, std::function<void(bool)> done);

}  // namespace understudy::control
