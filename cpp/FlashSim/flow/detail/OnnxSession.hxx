// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ONNXSESSION
#define FLASHSIM_ONNXSESSION

#include "FlashSim/flow/detail/FlowFile.hxx"
#include "FlashSim/flow/detail/OnnxRuntimeApi.hxx"

#include <cstdint>
#include <memory>
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
/// ONNX Runtime itself is loaded at the first use (see LoadOnnxRuntime()). Run() may be called from any number of
/// threads at once; the results for a row do not depend on the other rows of the call.
class OnnxSession {
public:
   /// \throws std::runtime_error if ONNX Runtime cannot be found, or refuses the model
   explicit OnnxSession(const FlowFile &file);
   ~OnnxSession();
   OnnxSession(const OnnxSession &) = delete;
   OnnxSession &operator=(const OnnxSession &) = delete;

   const std::vector<TensorDescription> &GetInputs() const { return fInputs; }
   const std::vector<TensorDescription> &GetOutputs() const { return fOutputs; }

   /// Evaluates the model for `rows` rows.
   /// \param[in] noise float[rows, noiseWidth], \param[in] context float[rows, contextWidth]
   /// \param[in] steps value of the scalar input `steps`; not passed on when negative
   /// \param[out] sample float[rows, sampleWidth]
   /// \throws std::runtime_error if ONNX Runtime says so, Interrupted at Ctrl-C while an InterruptionGuard lives
   void Run(std::int64_t rows, const float *noise, std::int64_t noiseWidth, const float *context,
            std::int64_t contextWidth, std::int64_t steps, float *sample, std::int64_t sampleWidth) const;

private:
   std::string fPath;
   Ort::Session *fSession = nullptr;
   std::vector<TensorDescription> fInputs;
   std::vector<TensorDescription> fOutputs;
};

/// \brief Says which ONNX Runtime library is to be used, before the first flow is opened.
///
/// Without this call, the environment variable FLASHSIM_ONNXRUNTIME (a path) is asked, then the system's
/// libonnxruntime.so. The Python package names the library of the installed `onnxruntime` wheel.
/// A later call has no effect once a library is loaded.
void SetOnnxRuntimeLibrary(const std::string &path);

/// The version of the loaded ONNX Runtime, as in "1.31.1". Loads it if need be.
std::string GetOnnxRuntimeVersion();

} // namespace FlashSim

#endif
