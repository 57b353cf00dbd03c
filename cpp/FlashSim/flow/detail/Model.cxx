// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/Model.hxx"

#include "FlashSim/flow/FindFlow.hxx"
#include "FlashSim/flow/detail/ModelFile.hxx"
#include "FlashSim/flow/detail/ModelTensors.hxx"
#include "FlashSim/flow/detail/RowCheck.hxx"
#include "FlashSim/interrupts/Interruption.hxx"

#include <TError.h>

#include <algorithm>
#include <set>
#include <utility>

namespace FlashSim {
namespace {

std::vector<std::string> NameOutputs(const FlowContract &contract)
{
   std::vector<std::string> names;
   for (const auto &target : contract.fTarget)
      names.push_back("target '" + target.fName + "'");
   if (contract.fKind == EModelKind::kEfficiency)
      names.emplace_back("probability");
   if (contract.fKind == EModelKind::kMultiplicity) {
      for (std::size_t i = 0; i <= contract.fMaximum; ++i)
         names.push_back("probability of " + std::to_string(i) + " objects");
   }
   return names;
}

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv).
std::uint64_t Hash(const std::string &text)
{
   std::uint64_t hash = 0xCBF29CE484222325;
   for (const unsigned char c : text)
      hash = (hash ^ c) * 0x100000001B3;
   return hash;
}

/// Whether this is the first call with this path.
bool IsNew(const std::string &path)
{
   static std::mutex mutex;
   static std::set<std::string> known;
   const std::lock_guard<std::mutex> lock(mutex);
   return known.insert(path).second;
}

} // namespace

Model::Model(const std::string &path) : fPath(FindFlow(path))
{
   auto file = ModelFile::Read(fPath);
   fContract = FlowContract::FromJson(file.GetMetadata("flashsim"), fPath);
   fNoiseKey = Hash(fContract.fName);
   file.Verify(fContract.fChecksum);
   fSession = std::make_unique<OnnxSession>(file);
   CheckTensors(*fSession, fContract, fPath);
   fDataFiles = std::move(file.fDataFiles);
   fOutputNames = NameOutputs(fContract);
   fTakesSteps = fContract.fDefaultSteps.has_value();
}

std::string Model::Describe() const
{
   return fContract.GetKindName() + " '" + fContract.fName + "' (" + fPath + ")";
}

void Model::Run(std::size_t n, const float *noise, const float *context, int steps, float *output) const
{
   OnnxSession::Batch batch;
   batch.fRows = n;
   batch.fNoise = {noise, fContract.fNoiseDimension};
   batch.fContext = {context, fContract.fContext.size()};
   if (fTakesSteps)
      batch.fSteps = steps;
   batch.fOutput = output;
   batch.fOutputWidth = GetOutputWidth();
   fSession->Run(batch);
}

ERowIndependence Model::CheckRows(std::size_t n, const float *context) const
{
   if (const auto known = fRowIndependence.load(); known != ERowIndependence::kUnknown)
      return known;
   const InterruptionGuard interruption;
   const std::lock_guard<std::mutex> lock(fRowCheckMutex);
   if (const auto known = fRowIndependence.load(); known != ERowIndependence::kUnknown)
      return known;
   constexpr int kFewSteps = 2; // rows that mix do so in the first steps
   const auto steps = std::min(fContract.fDefaultSteps.value_or(0), kFewSteps);
   const auto evaluate = [&](std::size_t nRows, const float *noise, const float *rows, float *output) {
      Run(nRows, noise, rows, steps, output);
   };
   const auto check = FlashSim::CheckRows(fContract, Describe(), fOutputNames, evaluate, n, context);
   if (check.fResult == ERowIndependence::kLastBits && IsNew(fPath)) {
      ::Info("FlashSim",
             "%s: the last bits of its output depend on the size of the batch: %s. RECO events repeat within "
             "float's precision, not bit for bit, when blocks or threads change.",
             Describe().c_str(), check.fNote.c_str());
   }
   fRowIndependence = check.fResult;
   return check.fResult;
}

} // namespace FlashSim
