// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDSUMS
#define FLASHSIM_FOLDSUMS

#include <Rtypes.h>

#include <cstddef>
#include <utility>
#include <vector>

class TH1;

namespace FlashSim {

class CellMap;
class FoldAccumulator;
class StoredFolds;
struct FoldPart;

/// \brief The fold information of an oversampled histogram: all its sums beyond contents and errors. Stored with it;
/// the same for all dimensions.
///
/// For each cell (bins, underflow and overflow, numbered as TH1::GetBin does): the naive, limit and fold variance that
/// FoldAccumulator defines; if wanted, for each pair of cells the covariance and its parts, which PairSums defines; and
/// the number of GEN events.
///
/// The sums belong to one set of contents and errors. Seal() copies these, and Matches() compares the copies with the
/// histogram. So any other change of the histogram (by a method, by an array that Python writes to, ...) is noticed.
///
/// *Memory*: 40 bytes for each cell, 16 of them for the copies of contents and squared errors that Seal() makes; a TH1D
/// with squared errors has 16, so that an oversampled one takes 3.5 times as much. The covariance of n cells takes
/// 12 n (n + 1) bytes more.
class FoldSums {
public:
   FoldSums() = default;
   /// The sums of an empty histogram, sealed.
   explicit FoldSums(std::size_t nCells, bool withCovariance = false);

   std::size_t GetNCells() const { return fNaiveVariance.size(); }
   Double_t GetNaiveVariance(std::size_t cell) const { return fNaiveVariance[cell]; }
   Double_t GetLimitVariance(std::size_t cell) const { return fLimitVariance[cell]; }
   Double_t GetFoldVariance(std::size_t cell) const { return fFoldVariance[cell]; }
   ULong64_t GetNGenEvents() const { return fNGenEvents; }

   bool HasCovariance() const { return !fCovariance.empty(); }

   /// \name Covariance of two cells, and its parts: with a fold size of n it is the limit + fold covariance / n
   /// If the cells are the same, their variances. \pre HasCovariance()
   /// \{
   Double_t GetCovariance(std::size_t a, std::size_t b) const { return fCovariance[GetPlace(a, b)]; }
   Double_t GetLimitCovariance(std::size_t a, std::size_t b) const { return fLimitCovariance[GetPlace(a, b)]; }
   Double_t GetFoldCovariance(std::size_t a, std::size_t b) const { return fFoldCovariance[GetPlace(a, b)]; }
   /// \}

   /// \name Arrays
   /// Over all cells; the covariances are the upper triangle row by row, (0,0), (0,1) ... (1,1), (1,2) ..., or empty.
   /// \{
   const std::vector<Double_t> &GetNaiveVariances() const { return fNaiveVariance; }
   const std::vector<Double_t> &GetLimitVariances() const { return fLimitVariance; }
   const std::vector<Double_t> &GetFoldVariances() const { return fFoldVariance; }
   const std::vector<Double_t> &GetCovariances() const { return fCovariance; }
   /// \}

   /// Copies of the contents and squared errors that the sums belong to.
   const std::vector<Double_t> &GetContents() const { return fContents; }
   const std::vector<Double_t> &GetVariances() const { return fVariances; }

   /// Takes the sums of the accumulator.
   void Set(const FoldAccumulator &accumulator);

   /// Adds the sums of other GEN events, whose weights are multiplied by `factor`. The result has the covariance if
   /// both have it; empty ones do not matter. \pre as many cells
   void Add(const FoldSums &other, Double_t factor = 1);

   /// \brief Corrects the sums for two pieces of one fold, which Add() took for two GEN events.
   /// \return growth of the variance of each cell that both pieces have filled
   std::vector<std::pair<std::size_t, Double_t>> Join(const FoldPart &piece, const FoldPart &rest);

   /// Multiplies all weights by `factor`.
   void Scale(Double_t factor);

   /// Multiplies the weights in each cell by its factor. \pre as many factors as cells
   void Scale(const std::vector<Double_t> &factors);

   /// Whether the map joins filled cells.
   bool AreFilledCellsJoined(const CellMap &map) const;

   /// \brief The sums of the map's new cells.
   /// \pre sealed; HasCovariance() or !AreFilledCellsJoined()
   FoldSums Regroup(const CellMap &map) const;

   /// \brief The sums if each of `cells` held the sum of itself and those before it; others stay empty.
   /// \pre sealed and HasCovariance()
   FoldSums Cumulate(const std::vector<std::size_t> &cells) const;

   /// Whether contents are those of the histogram, up to rounding to float.
   bool AreContentsOf(const TH1 &histogram) const;

   /// Declares that the sums belong to the histogram's present contents and errors, and copies these.
   void Seal(const TH1 &histogram);

   /// Whether contents and errors of the histogram are those at the time of Seal(), bit for bit.
   bool Matches(const TH1 &histogram) const;

   /// The same for one cell, in constant time.
   bool Matches(const TH1 &histogram, Int_t cell) const;

private:
   friend class StoredFolds; // writes and reads the sums

   /// Position of the pair in the arrays.
   std::size_t GetPlace(std::size_t a, std::size_t b) const;
   bool IsEmpty() const { return fNGenEvents == 0; }
   bool IsFilled(std::size_t cell) const { return fNaiveVariance[cell] != 0 || fVariances[cell] != 0; }

   std::vector<Double_t> fNaiveVariance;   ///< S_b
   std::vector<Double_t> fLimitVariance;   ///< V_b(N -> infinity); NaN where a GEN event with N = 1 filled
   std::vector<Double_t> fFoldVariance;    ///< D_b; NaN where a GEN event with N = 1 filled
   std::vector<Double_t> fCovariance;      ///< C_bc, upper triangle; empty if not held
   std::vector<Double_t> fLimitCovariance; ///< C_bc(N -> infinity); empty if not held
   std::vector<Double_t> fFoldCovariance;  ///< D_bc; empty if not held
   ULong64_t fNGenEvents = 0;              ///< GEN events that filled at least once
   std::vector<Double_t> fContents;        ///<! contents that the sums belong to
   std::vector<Double_t> fVariances;       ///<! squared errors that the sums belong to

   ClassDefNV(FoldSums, 2);
};

} // namespace FlashSim

#endif
