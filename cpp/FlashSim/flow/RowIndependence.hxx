// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ROWINDEPENDENCE
#define FLASHSIM_ROWINDEPENDENCE

namespace FlashSim {

/// How well the output for a row depends on the row's own noise and context alone.
enum class ERowIndependence {
   kUnknown,  ///< not checked yet
   kSameBits, ///< in the rows that were compared, the same bits in any batch
   kLastBits  ///< differences as rounding makes them
};

} // namespace FlashSim

#endif
