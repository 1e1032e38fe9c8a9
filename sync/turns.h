// Who does the work that threads of sync/ do otherwise: takes a job and does it on the sync thread at some
// later turn, in an order of its own choice, or never (it all ends before). For simulations, in which a run
// must be the same again and again; empty in production, where Pool and StoreThread have threads.
#pragma once

#include <functional>

namespace understudy::sync {

using Turns = std::function<void(std::function<void()>)>;

}  // namespace understudy::sync
