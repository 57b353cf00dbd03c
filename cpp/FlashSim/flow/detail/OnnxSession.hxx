// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ONNXSESSION
#define FLASHSIM_ONNXSESSION

#include "FlashSim/flow/detail/ModelFile.hxx"
#include "FlashSim/flow/detail/OnnxRuntimeApi.hxx"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace FlashSim {

/// "float32", "int64", ... of an element type as ONNX Runtime numbers it.
std::string GetElementTypeName(int elementType);

/// Name, element type and dimensions of one input or output tensor; -1 stands for a dimension left open.
struct TensorDescription {
   std::string fName;
   int fElementType = 0;
   std::vector<std::int64_t> fDimensions;
};

/// \brief One ONNX model, loaded into ONNX Runtime with one intra-op thread.
///
/// ONNX Runtime itself is loaded at the first use (see SetOnnxRuntimeLibrary()). Run() may be called from any number of
/// threads at once; the results for a row do not depend on the other rows of the call.
class OnnxSession {
public:
   /// \throws std::runtime_error if ONNX Runtime cannot be found, or refuses the model
   explicit OnnxSession(const ModelFile &file);
   ~OnnxSession();
   OnnxSession(const OnnxSession &) = delete;
   OnnxSession &operator=(const OnnxSession &) = delete;

   const std::vector<TensorDescription> &GetInputs() const { return fInputs; }
   const std::vector<TensorDescription> &GetOutputs() const { return fOutputs; }

   /// Rows of a tensor: float[rows, width]; the width is 0 if the model has no such input.
   struct Table {
      const float *fData = nullptr;
      std::size_t fWidth = 0;
   };
   /// Rows that are evaluated at once.
   struct Batch {
      std::size_t fRows = 0;
      Table fNoise;
      Table fContext;
      std::optional<std::int64_t> fSteps; ///< value of the scalar input `steps`
      float *fOutput = nullptr;           ///< float[rows, fOutputWidth], to be written
      std::size_t fOutputWidth = 0;
   };

   /// Evaluates the model, which has one output.
   /// \throws std::runtime_error at an error of ONNX Runtime, Interrupted at Ctrl-C while an InterruptionGuard lives
   void Run(const Batch &batch) const;

private:
   std::string fPath;
   Ort::Session *fSession = nullptr;
   std::vector<TensorDescription> fInputs;
   std::vector<TensorDescription> fOutputs;
};

} // namespace FlashSim

#endif
