// Mean and spread of channels, joined from those of parts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace handgrad {

// A number for each channel: the mean, and the sum of squared distances from it. Null where nobody asks.
struct ChannelMoments {
    double *mean = nullptr, *squares = nullptr;
};

// Joins a part of `count` numbers to `before` others of its channel as in Chan, Golub and LeVeque (1979): distances between
// means are added to those within parts, so nothing cancels where the mean is a thousand times the spread.
inline void join_moments(double before, double* mean, double* squares, double count, double own_mean, double own_squares) {
    const double apart = own_mean - *mean, share = count / (before + count);
    *mean += apart * share;
    *squares += own_squares + apart * apart * before * share;
}

// The moments of channels whose numbers come in parts. What they are depends on the order of the parts, so who wants a
// run repeated brings them in one order.
class RunningMoments {
  public:
    explicit RunningMoments(std::int64_t channels)
        : mean_(static_cast<std::size_t>(channels)), squares_(static_cast<std::size_t>(channels)) {}

    // Joins `count` numbers of each channel, whose moments part(channel, &mean, &squares) tells.
    template <class Part>
    void add(double count, const Part& part) {
        if (count == 0) return;
        const double before = count_;
        for (std::size_t c = 0; c < mean_.size(); ++c) {
            double mean, squares;
            part(static_cast<std::int64_t>(c), &mean, &squares);
            join_moments(before, &mean_[c], &squares_[c], count, mean, squares);
        }
        count_ += count;
    }
    void add(const RunningMoments& other) {
        add(other.count_, [&](std::int64_t c, double* mean, double* squares) {
            *mean = other.mean_[static_cast<std::size_t>(c)];
            *squares = other.squares_[static_cast<std::size_t>(c)];
        });
    }
    void copy(const ChannelMoments& to) const {
        std::copy(mean_.begin(), mean_.end(), to.mean);
        std::copy(squares_.begin(), squares_.end(), to.squares);
    }

  private:
    double count_ = 0;
    std::vector<double> mean_, squares_;
};

}  // namespace handgrad
