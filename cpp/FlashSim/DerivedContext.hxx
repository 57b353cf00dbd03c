// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_DERIVEDCONTEXT
#define FLASHSIM_DERIVEDCONTEXT

#include <ROOT/RVec.hxx>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace FlashSim {

/// \file
/// Context variables that are derived from several columns, for the expressions of a context.
///
/// The same functions serve to learn and to simulate. All are pure and may be called from several threads. Collections
/// are RVecs of any numbers; angles are in radians, and differences of phi lie in [-pi, pi). Differences are computed in
/// double precision and returned as float. Collections of one kind of object must have one length: std::invalid_argument
/// otherwise.
///
/// ~~~{.cpp}
/// auto withNearest = gen.Define("nearest", "FlashSim::NearestIndex(GenPart_eta, GenPart_phi, GenJet_eta, GenJet_phi, 1)")
///                       .Define("nearest_pt", "FlashSim::TakeOr(GenJet_pt, nearest, 0)");
/// ~~~

/// The difference of two azimuthal angles, in [-pi, pi).
inline double PhiDifference(double phi1, double phi2)
{
   constexpr double kPi = 3.14159265358979323846;
   const double difference = std::fmod(phi1 - phi2, 2 * kPi);
   if (difference >= kPi)
      return difference - 2 * kPi;
   return difference < -kPi ? difference + 2 * kPi : difference;
}

/// \cond
namespace Derived {

inline void CheckSizes(const char *function, std::size_t size1, std::size_t size2)
{
   if (size1 != size2) {
      throw std::invalid_argument(std::string("FlashSim: ") + function + " was given collections of " +
                                  std::to_string(size1) + " and " + std::to_string(size2) +
                                  " values for the same objects.");
   }
}

/// Squared distances of an object to all others.
template <typename Eta, typename Phi>
std::vector<double> Distances(double eta, double phi, const ROOT::RVec<Eta> &otherEta, const ROOT::RVec<Phi> &otherPhi)
{
   std::vector<double> distances(otherEta.size());
   for (std::size_t i = 0; i < distances.size(); ++i) {
      const double deltaEta = eta - static_cast<double>(otherEta[i]);
      const double deltaPhi = PhiDifference(phi, static_cast<double>(otherPhi[i]));
      distances[i] = deltaEta * deltaEta + deltaPhi * deltaPhi;
   }
   return distances;
}

/// Number of the n-th smallest distance below a limit; the first of equal ones comes first. -1 if there is none.
inline int FindNth(const std::vector<double> &distances, int n, double limit)
{
   std::vector<std::pair<double, int>> near;
   for (std::size_t i = 0; i < distances.size(); ++i) {
      if (distances[i] < limit)
         near.emplace_back(distances[i], static_cast<int>(i));
   }
   if (n < 0 || static_cast<std::size_t>(n) >= near.size())
      return -1;
   std::nth_element(near.begin(), near.begin() + n, near.end());
   return near[static_cast<std::size_t>(n)].second;
}

/// The value of an index that is not -1.
template <typename T>
double GetAt(const ROOT::RVec<T> &values, int index)
{
   if (index < 0 || static_cast<std::size_t>(index) >= values.size()) {
      throw std::out_of_range("FlashSim: the index " + std::to_string(index) + " into a collection of " +
                              std::to_string(values.size()) + " values. Expected -1 or one of them.");
   }
   return static_cast<double>(values[static_cast<std::size_t>(index)]);
}

/// \brief Calls `use` with the number of each object and its squared distances to the others.
/// \return the integers that it gives
template <typename E1, typename P1, typename E2, typename P2, typename Function>
ROOT::RVec<int> ForDistances(const char *function, const ROOT::RVec<E1> &eta, const ROOT::RVec<P1> &phi,
                             const ROOT::RVec<E2> &otherEta, const ROOT::RVec<P2> &otherPhi, Function use)
{
   CheckSizes(function, eta.size(), phi.size());
   CheckSizes(function, otherEta.size(), otherPhi.size());
   ROOT::RVec<int> numbers(eta.size());
   for (std::size_t i = 0; i < eta.size(); ++i) {
      auto distances = Distances(static_cast<double>(eta[i]), static_cast<double>(phi[i]), otherEta, otherPhi);
      numbers[i] = use(i, distances);
   }
   return numbers;
}

/// \brief Calls `value` with the number of each object whose index is not -1.
/// \return its values as float, and `missing` for the others
template <typename Function>
ROOT::RVec<float> ForIndices(const ROOT::RVec<int> &index, double missing, Function value)
{
   ROOT::RVec<float> values(index.size(), static_cast<float>(missing));
   for (std::size_t i = 0; i < index.size(); ++i) {
      if (index[i] != -1)
         values[i] = static_cast<float>(value(i));
   }
   return values;
}

} // namespace Derived
/// \endcond

/// \brief For each object the number of the nearest object of another collection, by Delta R.
/// \param[in] eta of the objects
/// \param[in] phi of the objects
/// \param[in] otherEta of the other collection
/// \param[in] otherPhi of the other collection
/// \param[in] maxDeltaR only objects nearer than this count
/// \param[in] n 0 for the nearest, 1 for the second nearest, ...
/// \return -1 for objects without such a neighbour
template <typename E1, typename P1, typename E2, typename P2>
ROOT::RVec<int> NearestIndex(const ROOT::RVec<E1> &eta, const ROOT::RVec<P1> &phi, const ROOT::RVec<E2> &otherEta,
                             const ROOT::RVec<P2> &otherPhi, double maxDeltaR = std::numeric_limits<double>::infinity(),
                             int n = 0)
{
   return Derived::ForDistances("NearestIndex", eta, phi, otherEta, otherPhi,
                                [&](std::size_t, const std::vector<double> &distances) {
                                   return Derived::FindNth(distances, n, maxDeltaR * maxDeltaR);
                                });
}

/// \brief For each object the number of the nearest other object of its own collection; see NearestIndex().
template <typename E, typename P>
ROOT::RVec<int> NearestOtherIndex(const ROOT::RVec<E> &eta, const ROOT::RVec<P> &phi,
                                  double maxDeltaR = std::numeric_limits<double>::infinity(), int n = 0)
{
   return Derived::ForDistances("NearestOtherIndex", eta, phi, eta, phi,
                                [&](std::size_t itself, std::vector<double> &distances) {
                                   distances[itself] = std::numeric_limits<double>::infinity();
                                   return Derived::FindNth(distances, n, maxDeltaR * maxDeltaR);
                                });
}

/// \brief The values of other objects, one for each index.
/// \param[in] values of the other objects
/// \param[in] index as NearestIndex() gives it
/// \param[in] missing taken where the index is -1
/// \throws std::out_of_range for an index below -1 or beyond the values
template <typename T>
ROOT::RVec<float> TakeOr(const ROOT::RVec<T> &values, const ROOT::RVec<int> &index, double missing)
{
   return Derived::ForIndices(index, missing, [&](std::size_t i) { return Derived::GetAt(values, index[i]); });
}

/// \brief eta of each object less that of the other object with its index.
/// \param[in] eta of the objects
/// \param[in] otherEta of the other collection
/// \param[in] index as NearestIndex() gives it
/// \param[in] missing taken where the index is -1
template <typename E1, typename E2>
ROOT::RVec<float> DeltaEtaTo(const ROOT::RVec<E1> &eta, const ROOT::RVec<E2> &otherEta, const ROOT::RVec<int> &index,
                             double missing)
{
   Derived::CheckSizes("DeltaEtaTo", eta.size(), index.size());
   return Derived::ForIndices(
       index, missing, [&](std::size_t i) { return static_cast<double>(eta[i]) - Derived::GetAt(otherEta, index[i]); });
}

/// \brief phi of each object less that of the other object with its index, in [-pi, pi); see DeltaEtaTo().
template <typename P1, typename P2>
ROOT::RVec<float> DeltaPhiTo(const ROOT::RVec<P1> &phi, const ROOT::RVec<P2> &otherPhi, const ROOT::RVec<int> &index,
                             double missing)
{
   Derived::CheckSizes("DeltaPhiTo", phi.size(), index.size());
   return Derived::ForIndices(index, missing, [&](std::size_t i) {
      return PhiDifference(static_cast<double>(phi[i]), Derived::GetAt(otherPhi, index[i]));
   });
}

/// \brief Delta R of each object to the other object with its index; see DeltaEtaTo().
template <typename E1, typename P1, typename E2, typename P2>
ROOT::RVec<float> DeltaRTo(const ROOT::RVec<E1> &eta, const ROOT::RVec<P1> &phi, const ROOT::RVec<E2> &otherEta,
                           const ROOT::RVec<P2> &otherPhi, const ROOT::RVec<int> &index, double missing)
{
   Derived::CheckSizes("DeltaRTo", eta.size(), phi.size());
   Derived::CheckSizes("DeltaRTo", eta.size(), index.size());
   return Derived::ForIndices(index, missing, [&](std::size_t i) {
      return std::hypot(static_cast<double>(eta[i]) - Derived::GetAt(otherEta, index[i]),
                        PhiDifference(static_cast<double>(phi[i]), Derived::GetAt(otherPhi, index[i])));
   });
}

/// \brief Whether a bit of each number is set, 1 or 0: a status flag of NanoAOD's GenPart_statusFlags, say.
/// \param[in] flags integers
/// \param[in] bit 0 for the lowest
/// \throws std::out_of_range if the type has no such bit
template <typename T>
ROOT::RVec<int> HasBit(const ROOT::RVec<T> &flags, int bit)
{
   static_assert(std::is_integral_v<T>, "flags are integers");
   if (bit < 0 || bit >= static_cast<int>(8 * sizeof(T)))
      throw std::out_of_range("FlashSim: HasBit was asked for bit " + std::to_string(bit) + " of numbers of " +
                              std::to_string(8 * sizeof(T)) + " bits.");
   ROOT::RVec<int> isSet(flags.size());
   for (std::size_t i = 0; i < flags.size(); ++i)
      isSet[i] = static_cast<int>(static_cast<unsigned long long>(flags[i]) >> bit & 1u);
   return isSet;
}

/// \brief Number of objects of another collection within a cone around each object.
/// \param[in] eta of the objects
/// \param[in] phi of the objects
/// \param[in] otherEta of the other collection
/// \param[in] otherPhi of the other collection
/// \param[in] deltaR size of the cone; objects nearer than this count
template <typename E1, typename P1, typename E2, typename P2>
ROOT::RVec<int> CountWithin(const ROOT::RVec<E1> &eta, const ROOT::RVec<P1> &phi, const ROOT::RVec<E2> &otherEta,
                            const ROOT::RVec<P2> &otherPhi, double deltaR)
{
   return Derived::ForDistances(
       "CountWithin", eta, phi, otherEta, otherPhi, [deltaR](std::size_t, const std::vector<double> &distances) {
          const auto isWithin = [deltaR](double distance) { return distance < deltaR * deltaR; };
          return static_cast<int>(std::count_if(distances.begin(), distances.end(), isWithin));
       });
}

/// \brief Marks the jets that are no copies of leptons: 1 to keep, 0 to drop.
///
/// A generator's jets contain leptons as jets of one constituent. A jet is a copy of a lepton if both agree in direction
/// and pt.
/// \param[in] pt of the jets
/// \param[in] eta of the jets
/// \param[in] phi of the jets
/// \param[in] leptonPt of the leptons
/// \param[in] leptonEta of the leptons
/// \param[in] leptonPhi of the leptons
/// \param[in] maxDeltaR largest Delta R of a copy
/// \param[in] maxRelativePt largest |pt - leptonPt| / leptonPt of a copy
template <typename T1, typename E1, typename P1, typename T2, typename E2, typename P2>
ROOT::RVec<int> IsNoCopy(const ROOT::RVec<T1> &pt, const ROOT::RVec<E1> &eta, const ROOT::RVec<P1> &phi,
                         const ROOT::RVec<T2> &leptonPt, const ROOT::RVec<E2> &leptonEta,
                         const ROOT::RVec<P2> &leptonPhi, double maxDeltaR = 0.01, double maxRelativePt = 0.001)
{
   Derived::CheckSizes("IsNoCopy", eta.size(), pt.size());
   Derived::CheckSizes("IsNoCopy", leptonEta.size(), leptonPt.size());
   return Derived::ForDistances("IsNoCopy", eta, phi, leptonEta, leptonPhi,
                                [&](std::size_t jet, const std::vector<double> &distances) {
                                   for (std::size_t lepton = 0; lepton < distances.size(); ++lepton) {
                                      const auto ofLepton = static_cast<double>(leptonPt[lepton]);
                                      if (distances[lepton] <= maxDeltaR * maxDeltaR &&
                                          std::abs(static_cast<double>(pt[jet]) - ofLepton) <= maxRelativePt * ofLepton)
                                         return 0;
                                   }
                                   return 1;
                                });
}

/// \brief Scalar sum of the transverse momenta of the objects above a threshold: H_T.
/// \param[in] pt of the objects
/// \param[in] eta of the objects
/// \param[in] minPt objects must have more
/// \param[in] maxAbsEta objects must have less
template <typename T, typename E>
float SumPt(const ROOT::RVec<T> &pt, const ROOT::RVec<E> &eta, double minPt = 0,
            double maxAbsEta = std::numeric_limits<double>::infinity())
{
   Derived::CheckSizes("SumPt", pt.size(), eta.size());
   double sum = 0;
   for (std::size_t i = 0; i < pt.size(); ++i) {
      if (static_cast<double>(pt[i]) > minPt && std::abs(static_cast<double>(eta[i])) < maxAbsEta)
         sum += static_cast<double>(pt[i]);
   }
   return static_cast<float>(sum);
}

} // namespace FlashSim

#endif
