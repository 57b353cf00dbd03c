// Part of FlashSim for RDataFrame.
#include <TInterpreter.h>
#include <TROOT.h>
#include <TSystem.h>

#include <dlfcn.h>

#include <string>

/// \file
/// ROOT loads the library itself when a file holds one of its classes. It then needs the headers, too.

namespace FlashSim {
namespace {

bool AddIncludePath()
{
   Dl_info library;
   // A compiled program loads the library before the interpreter exists, and was built with the headers.
   if (!TROOT::Initialized() || !gInterpreter || !dladdr(reinterpret_cast<const void *>(&AddIncludePath), &library))
      return false;
   const std::string folder = std::string(gSystem->GetDirName(library.dli_fname)) + "/../include";
   if (gSystem->AccessPathName((folder + "/FlashSim/Flow.hxx").c_str())) // true if the file does not exist
      return false;
   gInterpreter->AddIncludePath(folder.c_str());
   return true;
}

[[maybe_unused]] const bool kIsAdded = AddIncludePath();

} // namespace
} // namespace FlashSim
