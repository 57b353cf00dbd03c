// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/FindFlow.hxx"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace FlashSim {
namespace {

namespace fs = std::filesystem;

constexpr const char *kFolderVariable = "FLASHSIM_DATA";

/// The folder of this library; empty if the loader does not know it.
fs::path LibraryFolder()
{
   Dl_info info;
   if (dladdr(reinterpret_cast<const void *>(&LibraryFolder), &info) == 0 || info.dli_fname == nullptr)
      return {};
   std::error_code error;
   return fs::weakly_canonical(info.dli_fname, error).parent_path();
}

/// FLASHSIM_FLOWS is the path from the library to the flows in this kind of installation, see CMakeLists.txt.
std::vector<fs::path> FoldersOfFlows()
{
   std::vector<fs::path> folders;
   if (const char *folder = std::getenv(kFolderVariable))
      folders.emplace_back(folder);
   if (const auto library = LibraryFolder(); !library.empty())
      folders.push_back(library / FLASHSIM_FLOWS);
   return folders;
}

} // namespace

std::string FindFlow(const std::string &name)
{
   std::error_code error;
   if (fs::exists(name, error) && !fs::is_directory(name, error))
      return name;
   const std::string start = "FlashSim: there is no flow '" + name +
                             "': " + (fs::is_directory(name, error) ? "it is a folder" : "no such file");
   if (name.empty() || fs::path(name).filename() != name)
      throw std::runtime_error(start + ".");
   std::vector<std::string> shipped;
   for (const auto &folder : FoldersOfFlows()) {
      for (const auto &entry : fs::directory_iterator(folder, error)) {
         const auto &path = entry.path();
         if (path.extension() != ".onnx")
            continue;
         if (path.filename() == name || path.stem() == name)
            return path.lexically_normal().string();
         shipped.push_back(path.stem().string());
      }
   }
   std::sort(shipped.begin(), shipped.end());
   shipped.erase(std::unique(shipped.begin(), shipped.end()), shipped.end());
   std::string known;
   for (const auto &flow : shipped)
      known += (known.empty() ? "" : ", ") + flow;
   if (known.empty()) {
      throw std::runtime_error(start + ", and no shipped flows were found beside the library; name their folder in the "
                                       "environment variable FLASHSIM_DATA.");
   }
   throw std::runtime_error(start + ", and it is not one of the shipped flows (" + known + ").");
}

} // namespace FlashSim
