// Part of FlashSim for RDataFrame.
#include <TInterpreter.h>
#include <TROOT.h>
#include <TSystem.h>

#include <dlfcn.h>

#include <string>

/// \file
/// Where ROOT itself loads the library, since a file holds one of its classes, it also needs the headers.

namespace FlashSim {
namespace {

bool AddIncludePath()
{
   Dl_info library;
   // In a compiled program the library is loaded before there is an interpreter; whoever compiled it has the headers.
   if (!TROOT::Initialized() || !gInterpreter || !dladdr(reinterpret_cast<const void *>(&AddIncludePath), &library))
      return false;
   const std::string folder = std::string(gSystem->GetDirName(library.dli_fname)) + "/../include";
   if (gSystem->AccessPathName((folder + "/FlashSim/Flow.hxx").c_str())) // which is true if there is no such file
      return false;
   gInterpreter->AddIncludePath(folder.c_str());
   return true;
}

[[maybe_unused]] const bool kIsAdded = AddIncludePath();

} // namespace
} // namespace FlashSim
