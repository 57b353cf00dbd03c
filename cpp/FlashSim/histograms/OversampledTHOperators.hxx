// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTHOPERATORS
#define FLASHSIM_OVERSAMPLEDTHOPERATORS

#include "FlashSim/OversampledTH.hxx"

#include <type_traits>

/// \file
/// Operators of oversampled histograms. ROOT's own, on TH1D and the like, would return plain histograms.
///
/// The result has the class of its operands, with their fold information and covariance; it lies in no directory. Sums
/// and differences take two histograms as independent, but a histogram and itself as fully correlated. Products and
/// quotients of two oversampled histograms throw std::logic_error. Mixing with a plain histogram does not compile: add
/// it by Add(), which loses the fold information, or add to the plain histogram of MakeTH().
///
/// ~~~{.cpp}
/// FlashSim::OversampledTH1D sum = 0.5 * *tt + *single;
/// sum.Rebin(2);
/// ~~~

namespace FlashSim {

/// \cond
namespace Operators {
template <typename Histogram>
using IfOversampled_t = std::enable_if_t<std::is_base_of_v<OversampledTH<typename Histogram::Base_t>, Histogram>, int>;
template <typename Number>
using IfNumber_t = std::enable_if_t<std::is_arithmetic_v<Number>, int>;
} // namespace Operators
/// \endcond

/// \name Multiples
/// \{
template <typename Histogram, typename Number, Operators::IfOversampled_t<Histogram> = 0,
          Operators::IfNumber_t<Number> = 0>
Histogram &operator*=(Histogram &histogram, Number factor)
{
   histogram.Scale(static_cast<Double_t>(factor));
   return histogram;
}

template <typename Histogram, typename Number, Operators::IfOversampled_t<Histogram> = 0,
          Operators::IfNumber_t<Number> = 0>
Histogram &operator/=(Histogram &histogram, Number divisor)
{
   histogram.Scale(1. / static_cast<Double_t>(divisor));
   return histogram;
}

template <typename Histogram, typename Number, Operators::IfOversampled_t<Histogram> = 0,
          Operators::IfNumber_t<Number> = 0>
Histogram operator*(const Histogram &histogram, Number factor)
{
   Histogram result(histogram);
   result.SetDirectory(nullptr);
   result *= factor;
   return result;
}

template <typename Histogram, typename Number, Operators::IfOversampled_t<Histogram> = 0,
          Operators::IfNumber_t<Number> = 0>
Histogram operator*(Number factor, const Histogram &histogram)
{
   return histogram * factor;
}

template <typename Histogram, typename Number, Operators::IfOversampled_t<Histogram> = 0,
          Operators::IfNumber_t<Number> = 0>
Histogram operator/(const Histogram &histogram, Number divisor)
{
   return histogram * (1. / static_cast<Double_t>(divisor));
}

template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator-(const Histogram &histogram)
{
   return histogram * -1.;
}
/// \}

/// \name Sums and differences, of independent histograms or of one with itself
/// \{
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram &operator+=(Histogram &histogram, const Histogram &other)
{
   histogram.Add(&other);
   return histogram;
}

template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram &operator-=(Histogram &histogram, const Histogram &other)
{
   if (&histogram == &other)
      return histogram *= 0.;
   histogram.Add(&other, -1);
   return histogram;
}

template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator+(const Histogram &first, const Histogram &second)
{
   Histogram result(first);
   result.SetDirectory(nullptr);
   result += &first == &second ? result : second;
   return result;
}

template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator-(const Histogram &first, const Histogram &second)
{
   Histogram result(first);
   result.SetDirectory(nullptr);
   result -= &first == &second ? result : second;
   return result;
}
/// \}

/// \name Products and quotients
/// \throws std::logic_error always: see OversampledTH::Divide()
/// \{
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator*(const Histogram &first, const Histogram &second)
{
   Histogram result(first);
   result.SetDirectory(nullptr);
   result.Multiply(&second);
   return result;
}

template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator/(const Histogram &first, const Histogram &second)
{
   Histogram result(first);
   result.SetDirectory(nullptr);
   result.Divide(&second);
   return result;
}
/// \}

/// \name With plain histograms, which ROOT's operators would accept
/// \{
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator+(const Histogram &, const typename Histogram::Base_t &) = delete;
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator+(const typename Histogram::Base_t &, const Histogram &) = delete;
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator-(const Histogram &, const typename Histogram::Base_t &) = delete;
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator-(const typename Histogram::Base_t &, const Histogram &) = delete;
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator*(const Histogram &, const typename Histogram::Base_t &) = delete;
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator*(const typename Histogram::Base_t &, const Histogram &) = delete;
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator/(const Histogram &, const typename Histogram::Base_t &) = delete;
template <typename Histogram, Operators::IfOversampled_t<Histogram> = 0>
Histogram operator/(const typename Histogram::Base_t &, const Histogram &) = delete;
/// \}

} // namespace FlashSim

#endif
