// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTHFile.hxx"

#include "FlashSim/OversampledTH1.hxx"
#include "FlashSim/OversampledTH2.hxx"
#include "FlashSim/OversampledTH3.hxx"
#include "FlashSim/histograms/ForEachOversampledTH.hxx"
#include "FlashSim/histograms/detail/StoredFolds.hxx"

#include <TClass.h>
#include <TKey.h>
#include <TList.h>

#include <cstdlib>

namespace FlashSim {
namespace {

/// A key of a file, named by folders, name and cycle.
struct Place {
   Place(TDirectory &directory, const std::string &path)
   {
      const auto slash = path.rfind('/');
      const auto last = slash == std::string::npos ? path : path.substr(slash + 1);
      const auto semicolon = last.rfind(';');
      fName = last.substr(0, semicolon);
      fDirectory = slash == std::string::npos ? &directory : directory.GetDirectory(path.substr(0, slash).c_str());
      const Short_t highest = 9999;
      const auto cycle =
          semicolon == std::string::npos ? highest : static_cast<Short_t>(std::atoi(last.c_str() + semicolon + 1));
      fKey = fDirectory ? fDirectory->GetKey(fName.c_str(), cycle) : nullptr;
   }

   std::string fName;
   TDirectory *fDirectory = nullptr;
   TKey *fKey = nullptr;
};

bool IsOversampledClass(const std::string &name)
{
   return name.rfind("FlashSim::OversampledTH", 0) == 0;
}

/// nullptr if the plain histogram is of another class.
template <typename Histogram>
std::unique_ptr<TH1> AssembleAs(const TH1 &plain, const FoldSums &sums)
{
   if (plain.IsA() != Histogram::Base_t::Class())
      return nullptr;
   auto histogram = std::make_unique<Histogram>();
   histogram->SetDirectory(nullptr);
   plain.Copy(*histogram);
   histogram->SetDirectory(nullptr);
   histogram->SetFoldSums(sums);
   return histogram;
}

/// The oversampled histogram of the class that fits the plain one's, or nullptr if there is none.
std::unique_ptr<TH1> Assemble(const TH1 &plain, const FoldSums &sums)
{
#define FLASHSIM_TRY(DIMENSION, PRECISION)                                                                             \
   if (auto histogram = AssembleAs<OversampledTH##DIMENSION##PRECISION>(plain, sums))                                  \
      return histogram;
   FLASHSIM_FOR_EACH_OVERSAMPLEDTH(FLASHSIM_TRY)
#undef FLASHSIM_TRY
   return nullptr;
}

} // namespace

std::unique_ptr<TH1> ReadOversampledTH(TDirectory &directory, const std::string &name)
{
   const std::string place = "FlashSim: '" + name + "' in '" + directory.GetPath() + "' ";
   const Place found(directory, name);
   if (!found.fKey)
      throw std::runtime_error(place + "does not exist. Expected the name of a histogram that its Write() wrote.");
   const std::string className = found.fKey->GetClassName();
   const auto *type = TClass::GetClass(className.c_str());
   const bool isHistogram = type && type->InheritsFrom(TH1::Class());
   const bool isObject = isHistogram && IsOversampledClass(className);
   if (!isObject && !(isHistogram && StoredFolds::AreIn(*found.fDirectory, found.fName)))
      throw std::runtime_error(place + "is a " + className +
                               " without fold information. Expected an oversampled histogram, which is booked with "
                               "OversampledTH1D (2D, 3D) and written with Write() rather than WriteTH().");

   const TDirectory::TContext inNoDirectory(nullptr);
   std::unique_ptr<TH1> stored(found.fKey->ReadObject<TH1>());
   if (!stored)
      throw std::runtime_error(place + "cannot be read, see ROOT's message.");
   stored->SetDirectory(nullptr);
   if (isObject)
      return stored;
   const auto sums = StoredFolds::Read(*found.fDirectory, found.fName, found.fKey->GetCycle(), *stored);
   auto histogram = Assemble(*stored, sums);
   if (!histogram)
      throw std::runtime_error(place + "is a " + className +
                               " beside fold information. Expected a TH1D, TH1F, TH2D, TH2F, TH3D or TH3F.");
   return histogram;
}

bool IsOversampledTH(TDirectory &directory, const std::string &name)
{
   const Place found(directory, name);
   if (!found.fKey)
      return false;
   const std::string className = found.fKey->GetClassName();
   return IsOversampledClass(className) ||
          (className.rfind("TH", 0) == 0 && StoredFolds::AreIn(*found.fDirectory, found.fName));
}

TH1 *Booking::ReadTH(TDirectory &directory, const std::string &name)
{
   return ReadOversampledTH(directory, name).release();
}

TH1 *Booking::GetTH(TDirectory &directory, const std::string &name)
{
   const Place found(directory, name);
   if (found.fDirectory && name.find(';') == std::string::npos) {
      auto *inMemory = dynamic_cast<TH1 *>(found.fDirectory->GetList()->FindObject(found.fName.c_str()));
      if (inMemory && IsOversampledClass(inMemory->ClassName()))
         return inMemory;
   }
   auto histogram = ReadOversampledTH(directory, name);
   if (TH1::AddDirectoryStatus())
      histogram->SetDirectory(found.fDirectory);
   return histogram.release();
}

} // namespace FlashSim
