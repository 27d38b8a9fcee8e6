// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "anthropic.hpp"
#include "article.hpp"
#include "ledger.hpp"
#include "screen.hpp"

#include <troupe/options.hpp>
#include <troupe/queue_worker.hpp>
#include <troupe/task.hpp>

#include <exception>

namespace summarise {

/// Asks for a summary of each article that is sent to it, one after another,
/// over a connection of its own. Article by article, what the options of its
/// queue say is done about failures, unless they call for something else. It
/// fails itself if no article can be summarised any more.
class summariser : public troupe::queue_worker<article> {
public:
  /// @param results Outlives it, as does `out`.
  summariser(const api_settings& api, ledger& results, screen& out);

protected:
  troupe::on_error policy_for(const article& item,
                              const std::exception_ptr& thrown,
                              int failures) override;

private:
  troupe::task<> summarise(const article& item);

  anthropic_client client_;
  ledger& results_;
  screen& out_;
};

} // namespace summarise
