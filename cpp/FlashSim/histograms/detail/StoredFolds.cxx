// Part of FlashSim for RDataFrame.
#include "FlashSim/histograms/detail/StoredFolds.hxx"

#include "FlashSim/folds/PairSums.hxx"

#include <TArrayD.h>
#include <TClass.h>
#include <TDirectory.h>
#include <TH1.h>
#include <TH2.h>
#include <TKey.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

namespace FlashSim {
namespace {

using Sums_t = std::vector<Double_t>;

constexpr Int_t kFormat = 1;

enum ESums { kContent = 1, kVariance, kNaive, kLimit, kFold, kNSums = kFold };

std::string GetFolder(const std::string &key)
{
   return key + "_folds";
}

/// Otherwise a merge may take the histogram for an empty one.
void MarkAsFilled(TH1 &histogram)
{
   Double_t statistics[TH1::kNstat] = {1};
   histogram.PutStats(statistics);
   histogram.SetEntries(1);
}

Int_t WriteEvents(ULong64_t nGenEvents, Int_t option, Int_t bufsize)
{
   TH1D events("events", "1: GEN events, 2: histograms that were added, 3: their formats", 3, 0.5, 3.5);
   events.SetBinContent(1, static_cast<Double_t>(nGenEvents));
   events.SetBinContent(2, 1);
   events.SetBinContent(3, kFormat);
   MarkAsFilled(events);
   return events.Write(events.GetName(), option, bufsize);
}

Int_t WriteSums(const FoldSums &sums, Int_t option, Int_t bufsize)
{
   const auto nCells = static_cast<Int_t>(sums.GetNCells());
   TH2D table("sums",
              "1: content, 2: variance, 3: naive variance, 4: variance for an infinite fold size, 5: N times the rest "
              "of the variance;cell (number of the bin);which",
              nCells, -0.5, nCells - 0.5, kNSums, 0.5, kNSums + 0.5);
   for (Int_t i = 0; i < nCells; ++i) {
      const auto cell = static_cast<std::size_t>(i);
      table.SetBinContent(i + 1, kContent, sums.GetContents()[cell]);
      table.SetBinContent(i + 1, kVariance, sums.GetVariances()[cell]);
      table.SetBinContent(i + 1, kNaive, sums.GetNaiveVariance(cell));
      table.SetBinContent(i + 1, kLimit, sums.GetLimitVariance(cell));
      table.SetBinContent(i + 1, kFold, sums.GetFoldVariance(cell));
   }
   MarkAsFilled(table);
   return table.Write(table.GetName(), option, bufsize);
}

/// A whole symmetric matrix, for direct readers of the file.
template <typename Element>
Int_t WriteMatrix(const char *name, const char *title, std::size_t nCells, Element element, Int_t option, Int_t bufsize)
{
   const auto n = static_cast<Int_t>(nCells);
   TH2D matrix(name, (std::string(title) + ";cell (number of the bin);cell (number of the bin)").c_str(), n, -0.5,
               n - 0.5, n, -0.5, n - 0.5);
   for (std::size_t a = 0; a < nCells; ++a) {
      for (std::size_t b = 0; b < nCells; ++b)
         matrix.SetBinContent(static_cast<Int_t>(a) + 1, static_cast<Int_t>(b) + 1, element(a, b));
   }
   MarkAsFilled(matrix);
   return matrix.Write(name, option, bufsize);
}

/// A histogram of the folder, of the same cycle if there is one, or nullptr.
std::unique_ptr<TH1> ReadPart(TDirectory &folder, const char *name, Short_t cycle)
{
   auto *key = folder.GetKey(name, cycle);
   if (!key)
      key = folder.GetKey(name);
   const auto *type = key ? TClass::GetClass(key->GetClassName()) : nullptr;
   if (!type || !type->InheritsFrom(TH1::Class()))
      return nullptr;
   const TDirectory::TContext inNoDirectory(nullptr);
   std::unique_ptr<TH1> part(key->ReadObject<TH1>());
   if (part)
      part->SetDirectory(nullptr);
   return part;
}

Sums_t GetRow(const TH1 &table, ESums row)
{
   Sums_t sums;
   for (Int_t bin = 1; bin <= table.GetNbinsX(); ++bin)
      sums.push_back(table.GetBinContent(bin, row));
   return sums;
}

/// The upper triangle of a matrix; empty if the matrix has another number of cells.
Sums_t ReadMatrix(TDirectory &folder, const char *name, Short_t cycle, std::size_t nCells)
{
   const auto matrix = ReadPart(folder, name, cycle);
   const auto n = static_cast<Int_t>(nCells);
   Sums_t sums;
   if (!matrix || matrix->GetNbinsX() != n || matrix->GetNbinsY() != n)
      return sums;
   sums.reserve(nCells * (nCells + 1) / 2);
   for (Int_t a = 1; a <= n; ++a) {
      for (Int_t b = a; b <= n; ++b)
         sums.push_back(matrix->GetBinContent(a, b));
   }
   return sums;
}

/// Whether the numbers are equal, up to a rounding of `size`.
bool IsSame(Double_t a, Double_t b, Double_t size)
{
   return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= size;
}

/// Whether the histogram holds these contents and variances, up to rounding in a merge.
bool AreOf(const TH1 &plain, const Sums_t &contents, const Sums_t &variances)
{
   const bool isFloat = std::string(plain.ClassName()).back() == 'F';
   const Double_t precision = isFloat ? 1e-4 : 1e-9;
   if (contents.size() != static_cast<std::size_t>(plain.GetNcells()) || plain.GetSumw2N() != plain.GetNcells())
      return false;
   for (std::size_t cell = 0; cell < contents.size(); ++cell) {
      const Double_t variance = plain.GetSumw2()->GetAt(static_cast<Int_t>(cell));
      const Double_t size = std::abs(contents[cell]) + std::sqrt(std::abs(variance));
      if (!IsSame(contents[cell], plain.GetBinContent(static_cast<Int_t>(cell)), precision * size) ||
          !IsSame(variances[cell], variance, 1e-9 * variance))
         return false;
   }
   return true;
}

} // namespace

Int_t StoredFolds::Write(const TH1 &plain, const FoldSums *sums, const std::string &key, Int_t option, Int_t bufsize)
{
   const auto name = GetFolder(key);
   TDirectory *const directory = gDirectory;
   if (directory && directory->GetKey(name.c_str()) && !AreIn(*directory, key))
      throw std::runtime_error("FlashSim: '" + key + "' cannot be written to '" + directory->GetPath() +
                               "': its fold information goes into the folder '" + name +
                               "', and something else has this name. Expected no such name, or another directory.");
   Int_t nBytes = plain.Write(key.c_str(), option, bufsize);
   if (nBytes == 0) // ROOT has printed the reason
      return nBytes;

   auto *const folder = directory->mkdir(name.c_str(), ("fold information of " + key).c_str(), true);
   if (!folder)
      throw std::runtime_error("FlashSim: ROOT did not make the folder '" + name + "', see its message.");
   std::vector<Int_t> written;
   {
      const TDirectory::TContext inFolder(folder);
      const bool wasAdded = TH1::AddDirectoryStatus();
      TH1::AddDirectory(false);
      written.push_back(WriteEvents(sums ? sums->GetNGenEvents() : 0, option, bufsize));
      if (sums)
         written.push_back(WriteSums(*sums, option, bufsize));
      if (sums && sums->HasCovariance()) {
         const auto nCells = sums->GetNCells();
         const auto write = [&](const char *matrix, const char *title, auto element) {
            written.push_back(WriteMatrix(matrix, title, nCells, element, option, bufsize));
         };
         write("covariance", "covariance of bins",
               [&](auto a, auto b) { return a == b ? sums->GetVariances()[a] : sums->GetCovariance(a, b); });
         write("covariance_limit", "covariance for an infinite fold size",
               [&](auto a, auto b) { return sums->GetLimitCovariance(a, b); });
         write("covariance_fold", "N times the rest of the covariance",
               [&](auto a, auto b) { return sums->GetFoldCovariance(a, b); });
      }
      TH1::AddDirectory(wasAdded);
   }
   for (const auto bytes : written)
      nBytes += bytes;
   return nBytes;
}

bool StoredFolds::AreIn(TDirectory &directory, const std::string &key)
{
   const auto *folder = directory.GetKey(GetFolder(key).c_str());
   const auto *type = folder ? TClass::GetClass(folder->GetClassName()) : nullptr;
   return type && type->InheritsFrom(TDirectory::Class());
}

FoldSums StoredFolds::Read(TDirectory &directory, const std::string &key, Short_t cycle, const TH1 &plain)
{
   const auto name = GetFolder(key);
   auto *const folder = directory.GetDirectory(name.c_str());
   const auto events = folder ? ReadPart(*folder, "events", cycle) : nullptr;
   const auto table = folder ? ReadPart(*folder, "sums", cycle) : nullptr;
   if (!events || events->GetNbinsX() != 3 || (table && table->GetNbinsY() != kNSums))
      throw std::runtime_error("FlashSim: the folder '" + name + "' of '" + directory.GetPath() +
                               "' does not hold fold information. Expected the folder that Write() of an oversampled "
                               "histogram has written.");
   if (events->GetBinContent(3) != kFormat * events->GetBinContent(2))
      throw std::runtime_error("FlashSim: the folder '" + name + "' of '" + directory.GetPath() +
                               "' was written by a newer version. Expected format " + std::to_string(kFormat) +
                               ": read it with a newer FlashSim.");

   if (!table)
      return {}; // was lost when the histogram was written
   const auto variances = GetRow(*table, kVariance);
   if (!AreOf(plain, GetRow(*table, kContent), variances))
      return {};
   FoldSums sums;
   sums.fNaiveVariance = GetRow(*table, kNaive);
   sums.fLimitVariance = GetRow(*table, kLimit);
   sums.fFoldVariance = GetRow(*table, kFold);
   sums.fNGenEvents = static_cast<ULong64_t>(std::llround(events->GetBinContent(1)));

   const auto nCells = variances.size();
   sums.fCovariance = ReadMatrix(*folder, "covariance", cycle, nCells);
   sums.fLimitCovariance = ReadMatrix(*folder, "covariance_limit", cycle, nCells);
   sums.fFoldCovariance = ReadMatrix(*folder, "covariance_fold", cycle, nCells);
   // Each added histogram with variances must have had its covariance, too.
   bool isWhole = sums.HasCovariance() && sums.fLimitCovariance.size() == sums.fCovariance.size() &&
                  sums.fFoldCovariance.size() == sums.fCovariance.size();
   const auto isOf = [&](const Sums_t &matrix, const Sums_t &diagonal, std::size_t cell) {
      const Double_t size = 1e-9 * std::max(variances[cell], std::abs(diagonal[cell]));
      return IsSame(matrix[PairSums::GetPlace(nCells, cell, cell)], diagonal[cell], size);
   };
   for (std::size_t cell = 0; isWhole && cell < nCells; ++cell)
      isWhole = isOf(sums.fCovariance, variances, cell) && isOf(sums.fLimitCovariance, sums.fLimitVariance, cell) &&
                isOf(sums.fFoldCovariance, sums.fFoldVariance, cell);
   if (!isWhole) {
      for (auto *matrix : {&sums.fCovariance, &sums.fLimitCovariance, &sums.fFoldCovariance})
         matrix->clear();
   }
   return sums;
}

} // namespace FlashSim
