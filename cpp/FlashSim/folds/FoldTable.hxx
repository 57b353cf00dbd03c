// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDTABLE
#define FLASHSIM_FOLDTABLE

#include <cstddef>
#include <limits>
#include <vector>

namespace FlashSim {

/// Fills of the RECO events of one GEN event into a cell; not yet divided by N.
struct CellWeights {
   static constexpr std::size_t kNoCell = std::numeric_limits<std::size_t>::max();

   std::size_t fCell = kNoCell;
   double fSum = 0;      ///< sum_i w_ji
   double fRecoSum2 = 0; ///< sum_l x_jlb^2
   double fFillSum2 = 0; ///< sum_i w_ji^2

   void Add(const CellWeights &other)
   {
      fSum += other.fSum;
      fRecoSum2 += other.fRecoSum2;
      fFillSum2 += other.fFillSum2;
   }

   /// Whether all filled weights are 0.
   bool IsNothing() const { return fSum == 0 && fFillSum2 == 0; }
};

/// \brief The cells that the current fold has filled: a small hash table, which stays in the processor's cache for any
/// number of cells.
class FoldTable {
public:
   FoldTable() : fTable(kFirstSize), fMask(kFirstSize - 1) {}

   /// The weights of this cell, zero at first.
   CellWeights &Get(std::size_t cell)
   {
      std::size_t place = (cell * kFactor) & fMask;
      while (fTable[place].fCell != cell) {
         if (fTable[place].fCell == CellWeights::kNoCell)
            return Insert(cell, place);
         place = (place + 1) & fMask;
      }
      return fTable[place];
   }

   std::size_t GetSize() const { return fPlaces.size(); }
   bool IsEmpty() const { return fPlaces.empty(); }

   /// Filled cells in the order of their first fills.
   const CellWeights &operator[](std::size_t i) const { return fTable[fPlaces[i]]; }

   void Clear()
   {
      for (const auto place : fPlaces)
         fTable[place] = CellWeights{};
      fPlaces.clear();
   }

   std::vector<CellWeights> Take()
   {
      std::vector<CellWeights> taken;
      taken.reserve(GetSize());
      for (const auto place : fPlaces)
         taken.push_back(fTable[place]);
      Clear();
      return taken;
   }

   void Add(const std::vector<CellWeights> &others)
   {
      for (const auto &other : others)
         Get(other.fCell).Add(other);
   }

private:
   static constexpr std::size_t kFirstSize = 16;
   static constexpr std::size_t kFactor = 0x9E3779B1; ///< odd, near the golden ratio of 2^32: spreads neighbours

   CellWeights &Insert(std::size_t cell, std::size_t place)
   {
      if (2 * (GetSize() + 1) > fTable.size()) {
         const auto all = Take();
         fTable.resize(2 * fTable.size());
         fMask = fTable.size() - 1;
         Add(all);
         return Get(cell);
      }
      fPlaces.push_back(place);
      fTable[place].fCell = cell;
      return fTable[place];
   }

   std::vector<CellWeights> fTable;  ///< at most half full; its size is a power of 2
   std::vector<std::size_t> fPlaces; ///< used places of the table
   std::size_t fMask;                ///< size of the table - 1
};

} // namespace FlashSim

#endif
