// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_MODEL
#define FLASHSIM_MODEL

#include "FlashSim/FlowContract.hxx"
#include "FlashSim/flow/RowIndependence.hxx"
#include "FlashSim/flow/detail/OnnxSession.hxx"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace FlashSim {

/// Rows per call of ONNX Runtime: enough to amortise the call, few enough for the activations to stay in the cache
/// (benchmarks/sampling.py scans it).
constexpr std::size_t kMicroBatch = 256;

/// \brief A model of any kind, opened and checked against its checksum and its contract: the common part of Flow and
/// ProbabilityModel.
///
/// All const methods may be called from several threads at once.
class Model {
public:
   /// \throws std::runtime_error as the constructor of Flow
   explicit Model(const std::string &path);
   Model(const Model &) = delete;
   Model &operator=(const Model &) = delete;

   const std::string &GetPath() const { return fPath; }
   const FlowContract &GetContract() const { return fContract; }
   const std::vector<std::string> &GetDataFiles() const { return fDataFiles; }

   /// "flow 'jets' (/data/jets.onnx)", for messages
   std::string Describe() const;

   /// Key of the model's random numbers: a hash of the name. A retrained model has the same key.
   std::uint64_t GetNoiseKey() const { return fNoiseKey; }

   bool TakesSteps() const { return fTakesSteps; }

   /// Number of output columns: targets or probabilities.
   std::size_t GetOutputWidth() const { return fOutputNames.size(); }

   /// \brief Evaluates some rows at once.
   /// \param[in] noise float[n, D], not read if D is 0; \param[in] context float[n, C]
   /// \param[in] steps ODE steps, for continuous flows
   /// \param[out] output float[n, GetOutputWidth()]
   void Run(std::size_t n, const float *noise, const float *context, int steps, float *output) const;

   /// \brief Compares the outputs for a few rows in batches of several sizes, once.
   /// \param[in] n number of rows of `context`, may be 0
   /// \param[in] context float[n, C]: some of these rows are used, beside others inside the contract's ranges
   /// \throws std::runtime_error if the output for a row depends on other rows, or on chance
   ERowIndependence CheckRows(std::size_t n, const float *context) const;

private:
   std::string fPath;
   FlowContract fContract;
   std::vector<std::string> fDataFiles;
   std::uint64_t fNoiseKey = 0;
   std::unique_ptr<OnnxSession> fSession;
   std::vector<std::string> fOutputNames; ///< of the columns, for messages
   bool fTakesSteps = false;
   mutable std::atomic<ERowIndependence> fRowIndependence{ERowIndependence::kUnknown};
   mutable std::mutex fRowCheckMutex;
};

} // namespace FlashSim

#endif
