// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ONNXRUNTIME
#define FLASHSIM_ONNXRUNTIME

#include <string>

namespace FlashSim {

/// \brief Sets the path of the ONNX Runtime library, before the first model is opened.
///
/// Without this call the path is that of the environment variable FLASHSIM_ONNXRUNTIME, or else the system's
/// libonnxruntime.so. The Python package sets the library of the installed `onnxruntime` wheel. A call after a library
/// is loaded has no effect.
void SetOnnxRuntimeLibrary(const std::string &path);

/// The version of ONNX Runtime in use, as in "1.31.1". Loads the library if needed.
/// \throws std::runtime_error if there is none, or one older than 1.17
std::string GetOnnxRuntimeVersion();

} // namespace FlashSim

#endif
