// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The calls of plain CAF actors to a supervisor.

#include "supervisor/protocol.hpp"

#include "rules/naming.hpp"
#include "supervisor/child_call.hpp"
#include "system/caf_compat.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/protocol.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/actor_cast.hpp>
#include <caf/sec.hpp>

#include <string>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

/// The sender of a request, which waits for the answer; null for a message that
/// is no request.
class requester {
public:
  requester(worker_core& from, const caf::mailbox_element& what)
    : from_(from.actor()), mid_(what.mid.response_id()) {
    if (what.mid.is_request())
      to_ = what.sender;
  }

  void answer(caf::message content) const {
    if (to_)
      to_->enqueue(compat::make_element(from_, mid_, std::move(content)),
                   nullptr);
  }

  template <class T>
  void answer_with(T value) const {
    answer(caf::make_message(std::move(value)));
  }

private:
  caf::strong_actor_ptr from_;
  caf::strong_actor_ptr to_;
  caf::message_id mid_;
};

/// The answer to a call about one child, when it is done.
enum class answer : bool { nothing, actor };

void answer_when_done(const child_call& call, requester to, answer what) {
  access::progress_of(call).then(
    [to = std::move(to), what](const child_result& done) {
      if (!done)
        to.answer_with(done.error);
      else if (what == answer::actor)
        to.answer_with(done.child.actor());
      else
        to.answer(caf::message{});
    });
}

child_list list_of(const supervisor_ref& tree) {
  child_list result;
  for (auto& x : tree.which_children()) {
    child_info info;
    info.name = x.name;
    info.path = rules::child_path(tree.path(), x.name);
    info.actor = caf::actor_cast<caf::strong_actor_ptr>(x.child.actor());
    info.state = x.state;
    info.phase = x.phase;
    info.kind = x.kind;
    info.restarts = x.restarts;
    result.children.push_back(std::move(info));
  }
  return result;
}

caf::error no_such_child(const worker_core& who, const std::string& name) {
  return caf::make_error(errc::not_found, who.subject() + " has no child \""
                                            + name
                                            + "\" with an actor at present");
}

} // namespace

bool detail::is_child_call(const caf::message& content) noexcept {
  if (content.empty())
    return false;
  auto id = content.type_at(0);
  return id >= caf::type_id_v<start_child_atom>
         && id <= caf::type_id_v<count_children_atom>;
}

void detail::handle_child_call(worker_core& who, caf::mailbox_element& what) {
  auto& content = what.payload;
  who.add_handle();
  supervisor_ref tree{access::make<worker_handle>(&who)};
  requester from{who, what};
  auto name = [&content] { return content.get_as<std::string>(1); };
  if (content.match_elements<start_child_atom, child_spec>()) {
    answer_when_done(tree.start_child(
                       std::move(content.get_mutable_as<child_spec>(1))),
                     std::move(from), answer::actor);
  } else if (content.match_elements<start_child_atom, std::string>()) {
    answer_when_done(tree.start_child(name()), std::move(from), answer::actor);
  } else if (content.match_elements<terminate_child_atom, std::string>()) {
    answer_when_done(tree.terminate_child(name()), std::move(from),
                     answer::nothing);
  } else if (content.match_elements<restart_child_atom, std::string>()) {
    answer_when_done(tree.restart_child(name()), std::move(from),
                     answer::actor);
  } else if (content.match_elements<delete_child_atom, std::string>()) {
    answer_when_done(tree.delete_child(name()), std::move(from),
                     answer::nothing);
  } else if (content.match_elements<retry_child_atom, std::string>()) {
    from.answer_with(tree.retry_now(name()));
  } else if (content.match_elements<find_child_atom, std::string>()) {
    if (auto actor = tree.child(name()).actor())
      from.answer_with(std::move(actor));
    else
      from.answer_with(no_such_child(who, name()));
  } else if (content.match_elements<which_children_atom>()) {
    from.answer_with(list_of(tree));
  } else if (content.match_elements<count_children_atom>()) {
    from.answer_with(tree.count_children());
  } else {
    from.answer_with(caf::make_error(
      caf::sec::unexpected_message,
      who.subject() + " does not know this message: "
        + caf::to_string(content.types()) + "; see troupe/protocol.hpp"));
  }
}

} // namespace troupe
