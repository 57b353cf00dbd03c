// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_COLUMNSET
#define FLASHSIM_COLUMNSET

#include <initializer_list>

namespace FlashSim {

/// Some of the columns that fill a histogram, by their positions, which are below 32. As fast as a number.
class ColumnSet {
public:
   constexpr ColumnSet() = default;
   /// \param[in] areIn for each column, whether it is in the set
   constexpr ColumnSet(std::initializer_list<bool> areIn)
   {
      unsigned int column = 0;
      for (const bool isIn : areIn) {
         if (isIn)
            Add(column);
         ++column;
      }
   }

   constexpr void Add(unsigned int column) { fBits |= 1U << column; }
   constexpr bool Has(unsigned int column) const { return (fBits >> column & 1U) != 0; }
   /// Whether all columns of the other set are in this one.
   constexpr bool HasAll(ColumnSet others) const { return (others.fBits & ~fBits) == 0; }

private:
   unsigned int fBits = 0;
};

} // namespace FlashSim

#endif
