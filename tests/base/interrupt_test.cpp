#include "base/interrupt.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace plenum::base {
namespace {

/// The exit code of a child that runs `work`; -signal when it was killed.
int end_of(std::function<int()> const& work) {
    auto const child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(InterruptNote, TakesTheFirstSignalAsANote) {
    for (int const signal : {SIGINT, SIGTERM, SIGHUP})
        EXPECT_EQ(end_of([signal] {
                      InterruptNote const note;
                      ::raise(signal);
                      return note.signal() == signal ? 1 : 2;
                  }),
                  1);
}

TEST(InterruptNote, SaysInAWordThatASignalHasCome) {
    std::atomic<std::uint32_t> told{0};
    {
        InterruptNote const note(&told);
        EXPECT_EQ(told, 0u);
        std::raise(SIGTERM);
        EXPECT_EQ(told, 1u);
        told = 0;
    }
    InterruptNote const note;
    std::raise(SIGTERM);
    EXPECT_EQ(told, 0u) << "another note's word";
}

TEST(InterruptNote, ASecondSigintEndsTheProcessAtOnceAsIncomplete) {
    EXPECT_EQ(end_of([] {
                  InterruptNote const note;
                  ::raise(SIGINT);
                  ::raise(SIGINT);
                  return 1;
              }),
              75);
}

TEST(InterruptNote, OtherSignalsThatComeTwiceAreOnlyNoted) {
    EXPECT_EQ(end_of([] {
                  InterruptNote const note;
                  for (int const signal : {SIGTERM, SIGTERM, SIGINT, SIGHUP, SIGHUP}) ::raise(signal);
                  return note.signal() == SIGHUP ? 1 : 2;
              }),
              1);
}

TEST(LeaveNote, SigtermEndsTheProcessWithItsOwnCode) {
    EXPECT_EQ(end_of([] {
                  LeaveNote const note(4);
                  ::raise(SIGTERM);
                  return 1;
              }),
              4);
}

TEST(LeaveNote, WhatTakesForEverAfterASignalEnds) {
    EXPECT_EQ(end_of([] {
                  {
                      InterruptNote const interrupts;
                      ::raise(SIGTERM);
                  }
                  LeaveNote const note(4);
                  for (;;) ::pause();
                  return 1;
              }),
              4);
}

TEST(LeaveNote, NothingEndsByItself) {
    EXPECT_EQ(end_of([] {
                  {
                      InterruptNote const interrupts;
                      ::raise(SIGTERM);
                      LeaveNote const note(4);
                  }
                  ::usleep(400'000);
                  InterruptNote const none;
                  LeaveNote const note(4);
                  ::usleep(400'000);
                  return 1;
              }),
              1);
}

TEST(DrainNote, NotesTheSignalWhileItLives) {
    EXPECT_EQ(end_of([] {
                  {
                      DrainNote const note;
                      if (drain_requested()) return 2;
                      ::raise(SIGUSR1);
                      ::raise(SIGUSR1);
                      if (!drain_requested()) return 3;
                  }
                  DrainNote const next;
                  return drain_requested() ? 4 : 1;
              }),
              1);
    EXPECT_EQ(end_of([] {
                  { DrainNote const note; }
                  ::raise(SIGUSR1);
                  return 1;
              }),
              -SIGUSR1)
        << "afterwards the signal does what it did before";
}

TEST(DrainNote, LeavesAnActionOfTheProgramAlone) {
    EXPECT_EQ(end_of([] {
                  std::signal(SIGUSR1, SIG_IGN);
                  DrainNote const note;
                  ::raise(SIGUSR1);
                  return drain_requested() ? 2 : 1;
              }),
              1);
}

}  // namespace
}  // namespace plenum::base
