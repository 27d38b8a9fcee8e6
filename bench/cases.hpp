// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "report.hpp"

/// What is measured: each case is declared here and has a line in main.cpp.
namespace troupe::bench {

void ask(report& out, const settings& how);

void durable_jobs(report& out, const settings& how);

void fairness(report& out, const settings& how);

void lines(report& out, const settings& how);

void looks(report& out, const settings& how);

void messages(report& out, const settings& how);

void restarts(report& out, const settings& how);

void scale(report& out, const settings& how);

void stops(report& out, const settings& how);

void timers(report& out, const settings& how);

void workers(report& out, const settings& how);

} // namespace troupe::bench
