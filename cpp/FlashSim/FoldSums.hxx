// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDSUMS
#define FLASHSIM_FOLDSUMS

#include <Rtypes.h>

#include <cstddef>
#include <vector>

class TH1;

namespace FlashSim {

class FoldAccumulator;

/// \brief What an oversampled histogram knows of its folds beside contents and errors. Stored with it; the same for all
/// dimensions.
///
/// For each cell (bins, underflow and overflow, numbered as TH1::GetBin does): the naive, limit and fold variance that
/// FoldAccumulator defines; and the number of GEN events.
///
/// The sums belong to one set of contents and errors. Seal() notes which, and Belong() tells whether they still stand,
/// so that no way of changing a histogram (a method, an array that Python writes to, ...) can leave sums behind that
/// are wrong unnoticed.
class FoldSums {
public:
   FoldSums() = default;
   explicit FoldSums(std::size_t nCells);

   std::size_t GetNCells() const { return fNaiveVariance.size(); }
   Double_t GetNaiveVariance(std::size_t cell) const { return fNaiveVariance[cell]; }
   Double_t GetLimitVariance(std::size_t cell) const { return fLimitVariance[cell]; }
   Double_t GetFoldVariance(std::size_t cell) const { return fFoldVariance[cell]; }
   ULong64_t GetNGenEvents() const { return fNGenEvents; }

   /// Takes over what the accumulator holds.
   void Set(const FoldAccumulator &accumulator);

   /// Adds the sums of other GEN events, whose weights are multiplied by `factor`. \pre as many cells
   void Add(const FoldSums &other, Double_t factor = 1);

   /// Multiplies all weights by `factor`.
   void Scale(Double_t factor);

   /// Multiplies the weights in one cell by `factor`.
   void Scale(std::size_t cell, Double_t factor);

   /// Declares that the sums belong to the contents and errors that the histogram has now.
   void Seal(const TH1 &histogram);

   /// Whether contents and errors of the histogram are those at the time of Seal(), bit for bit.
   bool Belong(const TH1 &histogram) const;

   /// The same for one cell, in constant time.
   bool Belong(const TH1 &histogram, Int_t cell) const;

private:
   std::vector<Double_t> fNaiveVariance; ///< S_b
   std::vector<Double_t> fLimitVariance; ///< V_b(N -> infinity); NaN where a GEN event with N = 1 filled
   std::vector<Double_t> fFoldVariance;  ///< D_b; NaN where a GEN event with N = 1 filled
   ULong64_t fNGenEvents = 0;            ///< GEN events that filled at least once
   std::vector<Double_t> fContents;      ///<! contents that the sums belong to
   std::vector<Double_t> fVariances;     ///<! squared errors that the sums belong to

   ClassDefNV(FoldSums, 1);
};

} // namespace FlashSim

#endif
