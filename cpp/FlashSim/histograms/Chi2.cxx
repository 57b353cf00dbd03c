// Part of FlashSim for RDataFrame.
#include "FlashSim/Chi2.hxx"

#include <TMath.h>
#include <TMatrixDSymEigen.h>
#include <TVectorD.h>

#include <cmath>
#include <limits>

namespace FlashSim {

Chi2Result GetChi2(const std::vector<Double_t> &difference, const TMatrixDSym &covariance)
{
   constexpr Double_t kSmallestEigenvalue = 1e-10;

   Chi2Result result;
   std::vector<Int_t> rows; // with an error
   for (Int_t row = 0; row < covariance.GetNrows(); ++row) {
      if (covariance(row, row) > 0)
         rows.push_back(row);
      else if (difference[static_cast<std::size_t>(row)] != 0)
         result.fChi2 = std::numeric_limits<Double_t>::infinity();
   }
   const auto nRows = static_cast<Int_t>(rows.size());
   if (nRows > 0) {
      // In units of the errors, so that bins of very different errors do not hide each other.
      TMatrixDSym correlation(nRows);
      TVectorD pulls(nRows);
      for (Int_t i = 0; i < nRows; ++i) {
         const Double_t error = std::sqrt(covariance(rows[i], rows[i]));
         pulls(i) = difference[static_cast<std::size_t>(rows[i])] / error;
         for (Int_t k = 0; k < nRows; ++k)
            correlation(i, k) = covariance(rows[i], rows[k]) / error / std::sqrt(covariance(rows[k], rows[k]));
      }
      const TMatrixDSymEigen eigen(correlation);
      const auto &values = eigen.GetEigenValues();
      const auto &vectors = eigen.GetEigenVectors();
      for (Int_t i = 0; i < nRows; ++i) {
         if (values(i) < kSmallestEigenvalue)
            continue;
         Double_t component = 0;
         for (Int_t k = 0; k < nRows; ++k)
            component += vectors(k, i) * pulls(k);
         result.fChi2 += component * component / values(i);
         ++result.fNdf;
      }
   }
   if (std::isinf(result.fChi2))
      result.fProbability = 0;
   else
      result.fProbability = result.fNdf > 0 ? TMath::Prob(result.fChi2, result.fNdf) : 1;
   return result;
}

} // namespace FlashSim
