// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/ModelTensors.hxx"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace FlashSim {
namespace {

using Tensors = std::vector<TensorDescription>;

const TensorDescription *Find(const Tensors &tensors, const std::string &name)
{
   const auto found =
       std::find_if(tensors.begin(), tensors.end(), [&name](const auto &tensor) { return tensor.fName == name; });
   return found == tensors.end() ? nullptr : &*found;
}

[[noreturn]] void Fail(const std::string &path, const std::string &problem)
{
   throw std::runtime_error("FlashSim: model '" + path + "' breaks its contract: " + problem + ".");
}

/// \param[in] expected dimensions, -1 for the number of rows
/// \param[in] shapeText the same in words
void CheckTensor(const std::string &path, const TensorDescription &tensor, int type,
                 const std::vector<std::int64_t> &expected, const std::string &shapeText)
{
   const std::string what = "tensor '" + tensor.fName + "' ";
   if (tensor.fElementType != type) {
      Fail(path,
           what + "must hold " + GetElementTypeName(type) + ", but holds " + GetElementTypeName(tensor.fElementType));
   }
   bool fits = tensor.fDimensions.size() == expected.size();
   for (std::size_t i = 0; fits && i < expected.size(); ++i)
      fits = tensor.fDimensions[i] < 0 || expected[i] < 0 || tensor.fDimensions[i] == expected[i];
   // A fixed number of rows would refuse the micro-batches.
   fits = fits && (expected.empty() || tensor.fDimensions[0] < 0);
   if (fits)
      return;
   std::string found;
   for (const auto dimension : tensor.fDimensions)
      found += (found.empty() ? "" : ", ") + (dimension < 0 ? std::string("n") : std::to_string(dimension));
   Fail(path, what + "has shape [" + found + "], but the metadata ask for " + shapeText);
}

void CheckTable(const std::string &path, const TensorDescription &tensor, std::size_t width, const char *columns)
{
   const auto size = std::to_string(width);
   CheckTensor(path, tensor, Ort::kFloat, {-1, static_cast<std::int64_t>(width)},
               "[n, " + size + "] (" + columns + " = " + size + ")");
}

const TensorDescription &FindOutput(const OnnxSession &session, const std::string &path, const std::string &name)
{
   const auto *output = Find(session.GetOutputs(), name);
   if (output == nullptr || session.GetOutputs().size() != 1)
      Fail(path, "it must have one output, '" + name + "'");
   return *output;
}

void CheckFlow(const OnnxSession &session, const FlowContract &contract, const std::string &path)
{
   const auto &inputs = session.GetInputs();
   const auto *noise = Find(inputs, "noise");
   const auto *context = Find(inputs, "context");
   const auto *steps = Find(inputs, "steps");
   if (noise == nullptr || context == nullptr || inputs.size() != (steps != nullptr ? 3 : 2))
      Fail(path, "its inputs must be 'noise', 'context' and, for an ODE solver, 'steps'");
   const auto &sample = FindOutput(session, path, "sample");
   CheckTable(path, *noise, contract.fNoiseDimension, "noise_dimension");
   CheckTable(path, *context, contract.fContext.size(), "context variables");
   CheckTable(path, sample, contract.fTarget.size(), "target variables");
   if (steps != nullptr)
      CheckTensor(path, *steps, Ort::kInt64, {}, "[] (a scalar)");
   if ((steps != nullptr) != contract.fDefaultSteps.has_value())
      Fail(path, "the input 'steps' and the metadata field 'default_steps' go together");
}

void CheckProbabilities(const OnnxSession &session, const FlowContract &contract, const std::string &path)
{
   const auto *context = Find(session.GetInputs(), "context");
   if (context == nullptr || session.GetInputs().size() != 1) {
      Fail(path, "it must have one input, 'context', since it is of the kind '" + contract.GetKindName() +
                     "'; only a flow takes 'noise' and 'steps'");
   }
   CheckTable(path, *context, contract.fContext.size(), "context variables");
   if (contract.fKind == EModelKind::kEfficiency) {
      CheckTensor(path, FindOutput(session, path, "probability"), Ort::kFloat, {-1}, "[n]");
      return;
   }
   CheckTable(path, FindOutput(session, path, "probabilities"), contract.fMaximum + 1, "maximum + 1");
}

} // namespace

void CheckTensors(const OnnxSession &session, const FlowContract &contract, const std::string &path)
{
   if (contract.fKind == EModelKind::kFlow)
      CheckFlow(session, contract, path);
   else
      CheckProbabilities(session, contract, path);
}

} // namespace FlashSim
