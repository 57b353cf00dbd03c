// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_PROBABILITYMODEL
#define FLASHSIM_PROBABILITYMODEL

#include "FlashSim/flow/OpenedModel.hxx"

#include <cstddef>
#include <string>

namespace FlashSim {

/// \brief A trained classifier that turns a context into probabilities: an efficiency or a multiplicity.
///
/// Like a Flow it is one ONNX graph with a FlowContract in its metadata. The input is `context` float32 [n, C] in
/// physical units. The output of an efficiency is `probability` float32 [n]: that the object is reconstructed. The
/// output of a multiplicity is `probabilities` float32 [n, K + 1]: that there are 0, 1, ... K objects, where K is
/// FlowContract::fMaximum.
///
/// All const methods may be called from several threads at once.
///
/// ~~~{.cpp}
/// FlashSim::ProbabilityModel efficiency("electrons.onnx");
/// const std::vector<float> context{20.f, 0.5f}; // one electron: pt, eta
/// float probability = 0;
/// efficiency.Evaluate(1, context.data(), &probability);
/// ~~~
class ProbabilityModel : public OpenedModel {
public:
   /// \brief Opens a model and checks it against its checksum and its contract.
   /// \throws std::runtime_error as the constructor of Flow, and if the file is a flow
   explicit ProbabilityModel(const std::string &path);

   /// Probabilities of each row: 1 of an efficiency, K + 1 of a multiplicity.
   std::size_t GetWidth() const;

   /// \brief The probabilities of `n` rows, evaluated in micro-batches of a few hundred. The first call checks some
   /// rows in several batches (CheckRows()). The ranges of the contract are not checked: EvaluateChecked() in
   /// flow/CheckedModels.hxx checks them.
   ///
   /// \param[in] n number of rows
   /// \param[in] context float[n, C], physical units, finite
   /// \param[out] probabilities float[n, GetWidth()]
   /// \throws std::runtime_error naming model, row and context if a probability is NaN or not from 0 to 1, or if those
   ///         of a multiplicity's row do not add up to 1 within 0.0001; and as CheckRows()
   void Evaluate(std::size_t n, const float *context, float *probabilities) const;

private:
   void Check(std::size_t n, std::size_t first, const float *context, const float *probabilities) const;
};

} // namespace FlashSim

#endif
