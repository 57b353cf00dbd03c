// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/ModelFile.hxx"

#include "FlashSim/flow/detail/Sha256.hxx"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

namespace FlashSim {
namespace {

namespace fs = std::filesystem;

std::string ReadModel(const std::string &path)
{
   std::error_code error;
   if (!fs::is_regular_file(path, error))
      throw std::runtime_error("FlashSim: model '" + path + "' is no file; an ONNX model was expected there.");
   std::ifstream file(path, std::ios::binary | std::ios::ate);
   if (!file)
      throw std::runtime_error("FlashSim: model '" + path + "' cannot be opened: check its permissions.");
   const auto size = file.tellg();
   if (size <= 0)
      throw std::runtime_error("FlashSim: model '" + path + "' is empty; an ONNX model was expected.");
   std::string content(static_cast<std::size_t>(size), '\0');
   file.seekg(0);
   if (!file.read(content.data(), size))
      throw std::runtime_error("FlashSim: model '" + path + "' could not be read to its end.");
   return content;
}

fs::path FolderOf(const std::string &path)
{
   const auto folder = fs::path(path).parent_path();
   return folder.empty() ? fs::path(".") : folder;
}

/// Whether the file, with all symbolic links followed, lies in the folder or below.
bool IsInside(const fs::path &file, const fs::path &folder)
{
   std::error_code error;
   const auto end = fs::weakly_canonical(file, error);
   if (error)
      return false;
   const auto relative = end.lexically_relative(fs::canonical(folder, error));
   return !error && !relative.empty() && *relative.begin() != "..";
}

void CheckExternalTensor(const std::string &path, const ExternalTensor &tensor)
{
   const std::string what = "FlashSim: model '" + path + "' keeps the values of its tensor '" +
                            Printable(tensor.fName) + "' in the file '" + Printable(tensor.fLocation) + "', ";
   const fs::path location = tensor.fLocation;
   const auto folder = FolderOf(path);
   std::error_code error;
   const bool climbs = std::find(location.begin(), location.end(), "..") != location.end();
   const bool isText = tensor.fLocation.find('\0') == std::string::npos;
   if (!isText || location.empty() || location.is_absolute() || climbs || !IsInside(folder / location, folder)) {
      throw std::runtime_error(what + "which is not in the model's own folder '" + folder.string() +
                               "'. For safety, nothing else is read: put it there.");
   }
   if (!fs::is_regular_file(folder / location, error)) {
      throw std::runtime_error(what + "but there is no such file in the model's folder '" + folder.string() +
                               "'. The two belong together: copy it there.");
   }
   const auto size = fs::file_size(folder / location, error);
   if (error || tensor.fOffset > size || tensor.fLength.value_or(0) > size - tensor.fOffset) {
      throw std::runtime_error(what + "which is too short: it has " + std::to_string(size) +
                               " bytes, and these values begin at byte " + std::to_string(tensor.fOffset) +
                               (tensor.fLength ? " and take " + std::to_string(*tensor.fLength) : "") +
                               ". It is truncated, or belongs to another model.");
   }
}

void CheckNode(const std::string &path, const OnnxNode &node)
{
   static const std::set<std::string> random{"Bernoulli",     "Multinomial",       "RandomNormal", "RandomNormalLike",
                                             "RandomUniform", "RandomUniformLike", "Sampling"};
   const std::string what = "FlashSim: model '" + path + "' has the node '" + Printable(node.fName) +
                            "' of the operator " + Printable(node.fType);
   // Dropout draws unless its third input, the training mode, is missing or the constant false.
   const bool isTraining = node.fInputs.size() > 2 && !node.fInputs[2].empty() && node.fNumbers[2] != 0;
   if (random.count(node.fType) > 0 || (node.fType == "Dropout" && isTraining)) {
      throw std::runtime_error(what +
                               ", which draws random numbers of its own: its samples would not repeat. A flow takes "
                               "its random numbers from the input 'noise' alone.");
   }
   constexpr std::int64_t kMostTrips = 1000000;
   if (node.fType == "Loop" && !node.fNumbers.empty() && node.fNumbers[0].value_or(0) > kMostTrips) {
      throw std::runtime_error(what + ", which makes " + std::to_string(*node.fNumbers[0]) +
                               " trips; a model may make 1000000.");
   }
}

} // namespace

std::string Printable(std::string text)
{
   std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c >= 0x7F || (c < 0x20 && c != '\n'); }, '?');
   return text;
}

ModelFile ModelFile::Read(const std::string &path)
{
   ModelFile file;
   file.fPath = path;
   file.fModel = ReadModel(path);
   try {
      file.fOnnx = OnnxFile::Parse(file.fModel);
   } catch (const std::runtime_error &error) {
      throw std::runtime_error("FlashSim: model '" + path +
                               "' is not an ONNX model, or is damaged: " + Printable(error.what()) + ".");
   }
   for (const auto &node : file.fOnnx.fNodes)
      CheckNode(path, node);
   std::set<std::string> dataFiles;
   for (const auto &tensor : file.fOnnx.fExternalTensors) {
      CheckExternalTensor(path, tensor);
      dataFiles.insert(fs::path(tensor.fLocation).lexically_normal().string());
   }
   file.fDataFiles.assign(dataFiles.begin(), dataFiles.end());
   return file;
}

std::string ModelFile::GetMetadata(const std::string &key) const
{
   const std::string *found = nullptr;
   for (const auto &[name, text] : fOnnx.fMetadata) {
      if (name != key)
         continue;
      if (found != nullptr)
         throw std::runtime_error("FlashSim: model '" + fPath + "' has two metadata under the key '" + key + "'.");
      found = &text;
   }
   return found == nullptr ? "" : *found;
}

void ModelFile::Verify(const std::string &checksum) const
{
   if (checksum.empty())
      return;
   const auto place = fModel.find(checksum);
   if (place == std::string::npos || fModel.find(checksum, place + 1) != std::string::npos) {
      throw std::runtime_error("FlashSim: model '" + fPath +
                               "': the digits of its checksum must be found once in the file, as plain text.");
   }
   Sha256 hash;
   const std::string_view model = fModel;
   hash.Add(model.substr(0, place));
   hash.Add(std::string(checksum.size(), '0'));
   hash.Add(model.substr(place + checksum.size()));
   std::string files = "its file has";
   for (const auto &name : fDataFiles) {
      std::ifstream data(FolderOf(fPath) / name, std::ios::binary);
      std::array<char, 65536> buffer;
      do {
         data.read(buffer.data(), buffer.size());
         hash.Add({buffer.data(), static_cast<std::size_t>(data.gcount())});
      } while (data);
      if (!data.eof())
         throw std::runtime_error("FlashSim: model '" + fPath + "': its data file '" + name + "' cannot be read.");
      files = "its files have";
   }
   const auto found = hash.Finish();
   if (found != checksum) {
      throw std::runtime_error(
          "FlashSim: model '" + fPath + "' does not fit the checksum in its metadata: " + files +
          " changed since it was written (SHA-256 " + found.substr(0, 12) + "..., expected " + checksum.substr(0, 12) +
          "...). Get it again. If you have changed it on purpose, write a new checksum: flashsim stamp " + fPath);
   }
}

} // namespace FlashSim
