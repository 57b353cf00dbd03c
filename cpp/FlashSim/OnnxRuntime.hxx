// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ONNXRUNTIME
#define FLASHSIM_ONNXRUNTIME

#include <string>

namespace FlashSim {

/// \brief Says which ONNX Runtime library is to be used, before the first model is opened.
///
/// Without this call the environment variable FLASHSIM_ONNXRUNTIME (a path) is asked, then the system's
/// libonnxruntime.so. The Python package names the library of the installed `onnxruntime` wheel. A later call has no
/// effect once a library is loaded.
void SetOnnxRuntimeLibrary(const std::string &path);

/// The version of ONNX Runtime in use, as in "1.31.1". Loads it if need be.
/// \throws std::runtime_error if there is none, or one older than 1.17
std::string GetOnnxRuntimeVersion();

} // namespace FlashSim

#endif
