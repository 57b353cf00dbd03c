// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_PAIRSUMS
#define FLASHSIM_PAIRSUMS

#include <cstddef>
#include <utility>
#include <vector>

namespace FlashSim {

/// \brief Sums over GEN events for each pair of different cells: the covariance of the cells, and its parts.
///
/// (The diagonal exists and stays empty: FoldAccumulator has the sums of single cells.) With the names of
/// FoldAccumulator and R_jbc = sum_l x_jlb x_jlc / N_j^2, for the cells b and c
///
///     covariance         sum_j A_jb A_jc
///     limit covariance   sum_j (A_jb A_jc - R_jbc) N_j / (N_j - 1)
///     fold covariance    sum_j N_j (N_j R_jbc - A_jb A_jc) / (N_j - 1)
///
/// Memory: 12 bytes times the square of the number of cells.
class PairSums {
public:
   /// More cells are refused: the sums of 4096 take 200 MB, in each thread.
   static constexpr std::size_t kMaxCells = 4096;

   struct Sums {
      double fCovariance = 0;
      double fLimitCovariance = 0;
      double fFoldCovariance = 0;
   };

   PairSums() = default;
   explicit PairSums(std::size_t nCells) : fNCells(nCells), fSums(nCells * (nCells + 1) / 2) {}

   /// Whether sums are kept.
   bool IsHeld() const { return fNCells > 0; }

   Sums &Get(std::size_t b, std::size_t c) { return fSums[GetPlace(fNCells, b, c)]; }

   /// The upper triangle row by row, (0,0), (0,1) ... (1,1), (1,2) ...
   const std::vector<Sums> &GetAll() const { return fSums; }

   /// Place of a pair, in any order, in the upper triangle.
   static std::size_t GetPlace(std::size_t nCells, std::size_t b, std::size_t c)
   {
      if (b > c)
         std::swap(b, c);
      return b * (2 * nCells - b - 1) / 2 + c;
   }

   void Merge(const PairSums &other)
   {
      for (std::size_t i = 0; i < fSums.size(); ++i) {
         fSums[i].fCovariance += other.fSums[i].fCovariance;
         fSums[i].fLimitCovariance += other.fSums[i].fLimitCovariance;
         fSums[i].fFoldCovariance += other.fSums[i].fFoldCovariance;
      }
   }

private:
   std::size_t fNCells = 0;
   std::vector<Sums> fSums;
};

} // namespace FlashSim

#endif
