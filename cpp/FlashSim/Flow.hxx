// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FLOW
#define FLASHSIM_FLOW

#include "FlashSim/FlowContract.hxx"
#include "FlashSim/OnnxRuntime.hxx"
#include "FlashSim/events/EventIdentity.hxx"
#include "FlashSim/flow/OpenedModel.hxx"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace FlashSim {

/// \brief A trained generative model that turns Gaussian noise and a context into a target sample.
///
/// A flow is one ONNX graph with the inputs `noise` float32 [n, D], `context` float32 [n, C] and, for continuous flows,
/// `steps` int64 scalar, and the output `sample` float32 [n, T]; context and sample are in physical units. The
/// FlowContract in the model's metadata describes the columns.
///
/// All const methods may be called from several threads at once.
///
/// ~~~{.cpp}
/// FlashSim::Flow flow("jets.onnx");
/// std::cout << flow.GetContract().fCollection << " from " << flow.GetContract().fSource << "\n";
/// ~~~
class Flow : public OpenedModel {
public:
   /// \brief Opens a flow and checks it against its checksum and its contract.
   /// \param[in] path an ONNX file, or the name of a shipped flow such as "jets" (see FindFlow() in flow/FindFlow.hxx)
   /// \throws std::runtime_error naming the file and the fault: missing, not ONNX, changed since it was written,
   ///         weights in a file outside of its folder, random operators, tensors or metadata that break the contract,
   ///         of another kind than a flow, or no ONNX Runtime to run it
   explicit Flow(const std::string &path);

   /// Number of objects that were drawn again since the flow was opened, because the sample held NaN or infinity.
   std::uint64_t GetNRedrawn() const { return fNRedrawn.load(); }

   /// \brief The number of steps to use: `steps`, or the flow's default when it is 0.
   /// \throws std::runtime_error if `steps` is negative or above 1000000, or given for a one-shot flow
   int GetSteps(int steps) const;

   /// \brief Samples `n` objects, in micro-batches of a few hundred rows.
   ///
   /// The first call compares some rows in several batches (CheckRows()).
   /// \param[in] n number of objects
   /// \param[in] context float[n, C], physical units, finite
   /// \param[in] rows key of each object's noise, NoiseRow[n]
   /// \param[in] seed the user's seed
   /// \param[in] steps ODE steps; 0 for the flow's default
   /// \param[out] sample float[n, T], physical units
   /// \throws std::runtime_error naming the object if its sample is not finite after repeated draws, and as CheckRows()
   void Sample(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
               float *sample) const;

   /// \brief Samples every row of `context` `foldSize` times. The ranges of the contract are not checked: the function
   /// SampleFolds() in flow/CheckedModels.hxx checks them.
   ///
   /// \param[in] context float[n, C]
   /// \param[in] rows key of each row's noise, NoiseRow[n]; 0 ... foldSize - 1 replace its fold index
   /// \param[out] sample float[n, foldSize, T]
   void SampleFolds(std::size_t n, const float *context, const NoiseRow *rows, int foldSize, std::uint64_t seed,
                    int steps, float *sample) const;

private:
   void RunBatch(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
                 std::uint32_t attempt, std::vector<float> &noise, float *sample) const;
   void Redraw(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
               float *sample) const;

   mutable std::atomic<std::uint64_t> fNRedrawn{0}; //!
};

} // namespace FlashSim

#endif
