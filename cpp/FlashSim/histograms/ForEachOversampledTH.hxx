// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOREACHOVERSAMPLEDTH
#define FLASHSIM_FOREACHOVERSAMPLEDTH

/// \brief Writes `DO(dimension, precision)` for each class of oversampled histograms, OversampledTH1D first.
///
/// ~~~{.cpp}
/// #define FLASHSIM_INSTANTIATE(DIMENSION, PRECISION) template class OversampledTH<TH##DIMENSION##PRECISION>;
/// FLASHSIM_FOR_EACH_OVERSAMPLEDTH(FLASHSIM_INSTANTIATE)
/// #undef FLASHSIM_INSTANTIATE
/// ~~~
#define FLASHSIM_FOR_EACH_OVERSAMPLEDTH(DO) DO(1, D) DO(1, F) DO(2, D) DO(2, F) DO(3, D) DO(3, F)

#endif
