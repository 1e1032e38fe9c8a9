// What a new version is asked about at once: what changed since the version that the comparison knows.
#pragma once

#include <optional>

#include "audit/question_walk.h"

namespace understudy::audit {

// Questions about whatever the versions after `from` changed, up to the live one that `walk` knows; nothing
// where the history does not tell, or where that would be more than `most`. The reader is renewed. Errors:
// the history is damaged.
Result<std::optional<std::vector<Question>>> changed_questions(backend::Reader& reader, QuestionWalk& walk,
                                                               backend::Version from, std::size_t most);

}  // namespace understudy::audit
