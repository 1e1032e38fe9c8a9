// Work for the store thread with something to do after it, for those that are no coroutines.
//
// Called on the sync thread.
#pragma once

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>

#include "sync/zone_agent.h"

namespace understudy::sync {

// Runs `work` on the store thread, and then `next` on the sync thread with what came out; `work` may be
// dropped at the end.
template <class T>
void store_then(const Workshop& workshop, std::function<Result<T>(backend::Writer&)> work,
                std::function<void(Result<T>)> next) {
  // What `next` holds (a session of the control socket) belongs to the executor's thread and must end there:
  // the job gives its share of it away with the result, and the store's thread never lets go of the last one.
  const auto shared = std::make_shared<const std::function<void(Result<T>)>>(std::move(next));
  const auto tell = [executor = workshop.executor](auto told, Result<T> result) {
    boost::asio::post(executor, [told = std::move(told), result = std::move(result)] { (*told)(result); });
  };
  const bool taken =
      workshop.store.post([work = std::move(work), tell, told = shared](backend::Writer& writer) mutable {
        tell(std::move(told), work(writer));
      });
  if (!taken) tell(shared, Error{reason::stopping, "the store is being closed"});
}

}  // namespace understudy::sync
