#include "platform/loop.h"

#include <algorithm>
#include <utility>

#include <pthread.h>

namespace rematch::platform {

Loop::Loop(std::string name, absl::AnyInvocable<absl::Duration()> step, absl::Duration longest_sleep)
    : name_(std::move(name)), step_(std::move(step)), longest_sleep_(longest_sleep), thread_([this] { Work(); }) {}

Loop::~Loop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Loop::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
}

void Loop::Work() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      // Cleared before the step: a wake that comes while it runs is for what the step may not have seen.
      woken_ = false;
    }
    const absl::Duration idle = std::min(step_(), longest_sleep_);
    absl::MutexLock lock(&mutex_);
    const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || woken_; };
    mutex_.AwaitWithTimeout(absl::Condition(&due), idle);
  }
}

}  // namespace rematch::platform
