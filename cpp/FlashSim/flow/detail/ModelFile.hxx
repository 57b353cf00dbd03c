// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_MODELFILE
#define FLASHSIM_MODELFILE

#include "FlashSim/flow/detail/OnnxFile.hxx"

#include <string>
#include <vector>

namespace FlashSim {

/// \brief The files of a model: an ONNX graph and, if its weights lie outside of it, the files that hold them.
///
/// These data files must lie in the model's folder or below; no other file is read.
struct ModelFile {
   std::string fPath;                   ///< of the model
   std::string fModel;                  ///< its bytes
   OnnxFile fOnnx;                      ///< their summary
   std::vector<std::string> fDataFiles; ///< relative to the model's folder, in ascending order

   /// \brief Reads a model and checks its data files, except for their contents.
   /// \throws std::runtime_error if the model cannot be read, is no ONNX model, draws random numbers of its own, or has
   /// weights in a file that is missing, too short or outside of its folder
   static ModelFile Read(const std::string &path);

   /// The text under `key` in the model's metadata_props; empty if there is none.
   /// \throws std::runtime_error if there are two
   std::string GetMetadata(const std::string &key) const;

   /// \brief Compares the contents of all files with their checksum; an empty one fits everything.
   ///
   /// The checksum is the SHA-256 of the model's bytes, in which the checksum's own digits are taken as zeros, followed
   /// by the bytes of the data files in the order of fDataFiles.
   /// \param[in] checksum 64 hexadecimal digits, which must be found once in the model
   /// \throws std::runtime_error if they differ
   void Verify(const std::string &checksum) const;
};

/// Bytes of a file as readable text: each byte that is not printable ASCII becomes a question mark.
std::string Printable(std::string text);

} // namespace FlashSim

#endif
