// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTHFILE
#define FLASHSIM_OVERSAMPLEDTHFILE

#include <TDirectory.h>
#include <TH1.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace FlashSim {

/// \brief Reads the oversampled histogram of any class that its Write() wrote, or that was stored as an object.
/// \param[in] directory of a file
/// \param[in] name as for TDirectory::Get(): `"mjj"`, `"folder/mjj"`, `"mjj;1"`
/// \return in no directory
/// \throws std::runtime_error if the name does not exist, or is not that of an oversampled histogram
///
/// A sum of `hadd` is read like any other, with the covariance if all parts had it. If a plain histogram was added, or
/// contents or errors were changed in another way, the fold information is lost: methods that need it throw.
std::unique_ptr<TH1> ReadOversampledTH(TDirectory &directory, const std::string &name);

/// \brief The same for a known class.
/// \throws std::runtime_error also if it is of another class
///
/// ~~~{.cpp}
/// TFile file("histograms.root");
/// auto h = FlashSim::ReadOversampledTH<FlashSim::OversampledTH1D>(file, "mjj");
/// h->Rebin(2);
/// ~~~
template <typename Histogram>
std::unique_ptr<Histogram> ReadOversampledTH(TDirectory &directory, const std::string &name)
{
   auto histogram = ReadOversampledTH(directory, name);
   auto *known = dynamic_cast<Histogram *>(histogram.get());
   if (!known)
      throw std::runtime_error("FlashSim: '" + name + "' in '" + directory.GetPath() + "' is an object of class " +
                               histogram->ClassName() + ". Expected " + Histogram::Class()->GetName() + ".");
   histogram.release();
   return std::unique_ptr<Histogram>(known);
}

/// Whether ReadOversampledTH() would read an oversampled histogram; reads no contents.
bool IsOversampledTH(TDirectory &directory, const std::string &name);

/// \cond
namespace Booking {
/// ReadOversampledTH() for Python, which then owns the histogram.
TH1 *ReadTH(TDirectory &directory, const std::string &name);
/// The same by the rules of TDirectory::Get(): the histogram in memory, if there is one; owned by its directory unless
/// TH1::AddDirectory() says otherwise.
TH1 *GetTH(TDirectory &directory, const std::string &name);
} // namespace Booking
/// \endcond

} // namespace FlashSim

#endif
