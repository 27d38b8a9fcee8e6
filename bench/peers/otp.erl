#!/usr/bin/env escript
%% -*- erlang -*-
%%! +P 2000000 -kernel logger_level none
%% Distributed under the terms and conditions of the BSD 3-Clause License; see
%% the file LICENSE.

%% The peers of troupe in Erlang/OTP: probes, as bench/probe.hpp says.
%%
%%   otp.erl workers SIZE   idle children of a dynamic supervisor
%%   otp.erl crash SIZE     from a crash until the next life is ready
%%   otp.erl restarts SIZE  restarts of a child that crashes at once
-module(otp).
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, start_worker/1, handle_call/3, handle_cast/2,
         handle_continue/2]).

main(["workers", Size]) -> workers(list_to_integer(Size));
main(["crash", Size]) -> crash(list_to_integer(Size));
main(["restarts", Size]) -> restarts(list_to_integer(Size)).

workers(Size) ->
    {ok, Sup} = supervisor:start_link(?MODULE, {dynamic, nobody}),
    unlink(Sup),
    erlang:garbage_collect(),
    Before = resident(),
    Start = erlang:monotonic_time(nanosecond),
    start_children(Sup, Size),
    Started = erlang:monotonic_time(nanosecond),
    Bytes = resident() - Before,
    Watch = monitor(process, Sup),
    Stop = erlang:monotonic_time(nanosecond),
    exit(Sup, shutdown),
    receive {'DOWN', Watch, process, Sup, _} -> ok end,
    Stopped = erlang:monotonic_time(nanosecond),
    print("start", (Started - Start) / Size),
    print("bytes", Bytes / Size),
    print("stop", (Stopped - Stop) / Size).

start_children(_, 0) -> ok;
start_children(Sup, N) ->
    {ok, _} = supervisor:start_child(Sup, []),
    start_children(Sup, N - 1).

%% Times are taken inside of the worker: when it is about to crash, and when the
%% next one is ready.
crash(Size) ->
    {ok, Sup} = supervisor:start_link(?MODULE, {one_for_one, self()}),
    First = receive {ready, Pid, _} -> Pid end,
    Times = crashes(First, Size, []),
    unlink(Sup),
    exit(Sup, shutdown),
    print("crash", lists:nth(max(1, Size div 2), lists:sort(Times))).

crashes(_, 0, Times) -> Times;
crashes(Pid, N, Times) ->
    gen_server:cast(Pid, crash),
    Crashed = receive {crash, Pid, At} -> At end,
    receive
        {ready, Next, Ready} -> crashes(Next, N - 1, [Ready - Crashed | Times])
    end.

restarts(Size) ->
    Lives = counters:new(1, []),
    counters:put(Lives, 1, Size),
    Start = erlang:monotonic_time(nanosecond),
    {ok, Sup} = supervisor:start_link(?MODULE, {one_for_one, {self(), Lives}}),
    receive over -> ok end,
    Over = erlang:monotonic_time(nanosecond),
    unlink(Sup),
    exit(Sup, shutdown),
    print("restart", (Over - Start) / Size).

resident() ->
    {ok, Text} = file:read_file("/proc/" ++ os:getpid() ++ "/statm"),
    [_, Pages | _] = string:lexemes(binary_to_list(Text), " "),
    list_to_integer(Pages) * 4096.

print(Name, Value) -> io:format("~s ~.3f~n", [Name, Value * 1.0]).

%% -- the supervisor and its workers ------------------------------------------

start_worker(Boss) -> gen_server:start_link(?MODULE, {worker, Boss}, []).

init({dynamic, Boss}) ->
    {ok, {#{strategy => simple_one_for_one}, [child(Boss)]}};
init({one_for_one, Boss}) ->
    Flags = #{strategy => one_for_one, intensity => 1000000, period => 1},
    {ok, {Flags, [child(Boss)]}};
init({worker, nobody}) ->
    {ok, nobody};
init({worker, {Boss, Lives}}) ->
    case counters:get(Lives, 1) of
        0 -> Boss ! over, {ok, Boss};
        _ -> counters:sub(Lives, 1, 1), {ok, Boss, {continue, crash}}
    end;
init({worker, Boss}) ->
    Boss ! {ready, self(), erlang:monotonic_time(nanosecond)},
    {ok, Boss}.

child(Boss) ->
    #{id => worker, start => {?MODULE, start_worker, [Boss]}}.

handle_call(_, _, Boss) -> {reply, ok, Boss}.

handle_cast(crash, Boss) ->
    Boss ! {crash, self(), erlang:monotonic_time(nanosecond)},
    error(crash).

handle_continue(crash, _) -> error(crash).
