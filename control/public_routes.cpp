#include "control/public_routes.h"

#include "control/http_answers.h"
#include "control/page.h"
#include "control/page_report.h"

namespace understudy::control {

void PublicRoutes::handle(const HttpRequest& request, HttpReply reply) {
  if (auto page = page_response(request.path, "/page/public.html")) return reply(std::move(*page));
  if (request.path != "/api/v1/public") return reply(text_answer(404, "nothing here\n"));
  // By state only: which zones differ, or whether one is held, is not for everybody.
  const auto filter = filter_parameters(request, false);
  if (!filter) return reply(refusal(400, filter.error().message));
  recent_.get([filter = *filter, reply = std::move(reply)](std::shared_ptr<const Overview> overview) {
    reply(overview ? json_answer(public_report(*overview, filter)) : text_answer(503, "no answer in time\n"));
  });
}

}  // namespace understudy::control
