// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CHI2
#define FLASHSIM_CHI2

#include <Rtypes.h>
#include <TMatrixDSym.h>

#include <vector>

namespace FlashSim {

/// \brief The result of a chi2 comparison with full covariance.
///
/// Directions in which the covariance vanishes (eigenvalues of the correlation matrix below 1e-10, as there are if
/// fewer GEN events than bins have filled) do not count, neither in chi2 nor in the degrees of freedom. A bin with no
/// error at all does not count if the contents agree, and makes chi2 infinite if they differ.
struct Chi2Result {
   Double_t fChi2 = 0;
   Int_t fNdf = 0;            ///< rank of the covariance
   Double_t fProbability = 1; ///< to find a larger chi2

   ClassDefNV(Chi2Result, 1);
};

/// d C^-1 d of a difference and its covariance. \pre as many elements as rows
Chi2Result GetChi2(const std::vector<Double_t> &difference, const TMatrixDSym &covariance);

} // namespace FlashSim

#endif
