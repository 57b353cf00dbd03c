// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_BINFINDER
#define FLASHSIM_BINFINDER

#include <TAxis.h>

namespace FlashSim {

/// \brief Finds the same bins as TAxis::FindFixBin(), faster where all have the same width.
///
/// Values at the edge of a bin, outside of the axis, or NaN are left to the axis, so that its rounding decides.
class BinFinder {
public:
   BinFinder() = default;
   /// \param[in] axis must live as long
   explicit BinFinder(const TAxis &axis) : fAxis(&axis), fNBins(axis.GetNbins())
   {
      if (!axis.IsVariableBinSize()) {
         fLow = axis.GetXmin();
         fInverseWidth = fNBins / (axis.GetXmax() - axis.GetXmin());
      }
   }

   int GetNBins() const { return fNBins; }

   int Find(double x) const
   {
      const double position = (x - fLow) * fInverseWidth; // 0 for variable bins
      if (position > kMargin && position < fNBins) {
         const int bin = static_cast<int>(position);
         const double inBin = position - bin;
         if (inBin > kMargin && inBin < 1 - kMargin)
            return bin + 1;
      }
      return fAxis->FindFixBin(x);
   }

private:
   static constexpr double kMargin = 1e-6; ///< of a bin; far more than rounding errors

   const TAxis *fAxis = nullptr;
   int fNBins = 0;
   double fLow = 0;
   double fInverseWidth = 0;
};

} // namespace FlashSim

#endif
