// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ONNXFILE
#define FLASHSIM_ONNXFILE

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace FlashSim {

/// A node of an ONNX graph, or of a graph inside it.
struct OnnxNode {
   std::string fName;
   std::string fType;                                 ///< the operator, e.g. "MatMul"
   std::string fDomain;                               ///< of the operator; empty for ONNX's own
   std::vector<std::string> fInputs;                  ///< names; empty for an optional input that is left out
   std::vector<std::optional<std::int64_t>> fNumbers; ///< the inputs that are constants of one int64 or bool
};

/// Values of a tensor that lie in a file beside the model.
struct ExternalTensor {
   std::string fName;
   std::string fLocation;                ///< path, which must be relative to the model's folder
   std::uint64_t fOffset = 0;            ///< bytes from the beginning of the file
   std::optional<std::uint64_t> fLength; ///< bytes; if unset, up to the end of the file
};

/// \brief Summary of an ONNX file, the protobuf message ModelProto, read without ONNX Runtime.
///
/// Graphs inside nodes (the body of a Loop) and functions of the model are included.
struct OnnxFile {
   std::vector<std::pair<std::string, std::string>> fMetadata; ///< metadata_props
   std::vector<OnnxNode> fNodes;
   std::vector<ExternalTensor> fExternalTensors;

   /// \param[in] model the bytes of the file
   /// \throws std::runtime_error, with a clause such as "it ends in the middle of a field", if they are no ONNX model
   static OnnxFile Parse(std::string_view model);
};

} // namespace FlashSim

#endif
