// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_STOREDFOLDS
#define FLASHSIM_STOREDFOLDS

#include "FlashSim/histograms/FoldSums.hxx"

#include <RtypesCore.h>

#include <string>

class TDirectory;
class TH1;

namespace FlashSim {

/// \brief Fold information in files, as histograms of ROOT's own classes in a folder beside the histogram.
///
/// All of it is sums over GEN events: adding bin by bin, as `hadd` does, is right. For the histogram `mjj`, with
/// cells numbered as TH1::GetBin does, the folder `mjj_folds` holds
///
/// | name | class | bins |
/// | --- | --- | --- |
/// | `events` | TH1D | GEN events; histograms that were added; their formats |
/// | `sums` | TH2D | x: cell; y: content, variance, naive, limit and fold variance; none if this was lost |
/// | `covariance` | TH2D | x, y: cells |
/// | `covariance_limit`, `covariance_fold` | TH2D | the same of its parts |
///
/// The last three are there if the histogram has the covariance. Contents and variances are stored twice. So added
/// histograms without such a folder, or with other bins, are noticed.
class StoredFolds {
public:
   /// \brief Writes a histogram and its fold information to the current directory.
   /// \param[in] plain of a class of ROOT's
   /// \param[in] sums nullptr without fold information
   /// \param[in] key name in the file
   /// \param[in] option as for TObject::Write()
   /// \param[in] bufsize as for TObject::Write()
   /// \return bytes written
   static Int_t Write(const TH1 &plain, const FoldSums *sums, const std::string &key, Int_t option, Int_t bufsize);

   /// Whether the directory holds the fold information of a histogram of this name.
   static bool AreIn(TDirectory &directory, const std::string &key);

   /// \brief Reads fold information. \pre AreIn()
   /// \param[in] directory of the histogram
   /// \param[in] key of the histogram
   /// \param[in] cycle of the histogram
   /// \param[in] plain the histogram
   /// \return unsealed; without cells if it does not belong to contents and errors of the histogram, without covariance
   /// if only that does not
   /// \throws std::runtime_error if the folder is damaged, or written by a newer version
   static FoldSums Read(TDirectory &directory, const std::string &key, Short_t cycle, const TH1 &plain);
};

} // namespace FlashSim

#endif
