// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "article.hpp"
#include "ledger.hpp"
#include "summariser.hpp"

#include <troupe/task.hpp>
#include <troupe/worker.hpp>
#include <troupe/worker_pool.hpp>

#include <vector>

namespace summarise {

/// Gives articles to summarisers, as fast as they take them, and ends when
/// there is nothing more to wait for.
class feeder : public troupe::worker {
public:
  /// @param articles Outlive it, as does `results`.
  feeder(troupe::pool_ref<summariser> to, const std::vector<article>& articles,
         ledger& results);

  troupe::task<> run() override;

private:
  troupe::pool_ref<summariser> to_;
  const std::vector<article>& articles_;
  ledger& results_;
};

} // namespace summarise
