// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/ColumnStore.hxx"

#include "FlashSim/values/ValueType.hxx"

#include <TClassEdit.h>
#include <TInterpreter.h>

#include <map>
#include <mutex>
#include <stdexcept>

namespace FlashSim {
namespace {

struct Registry {
   std::mutex fMutex;
   std::map<std::string, ColumnStoreFactory> fFactories;
};

/// One spelling for each type: typedefs resolved (TClassEdit leaves them be inside of RVec<...>), the long name of
/// RVec.
std::string NormalizeTypeName(const std::string &name)
{
   for (const std::string prefix : {"ROOT::VecOps::RVec<", "ROOT::RVec<"}) {
      if (name.rfind(prefix, 0) == 0 && name.back() == '>') {
         const auto element = name.substr(prefix.size(), name.size() - prefix.size() - 1);
         return "ROOT::VecOps::RVec<" + NormalizeTypeName(element) + ">";
      }
   }
   return TClassEdit::ResolveTypedef(name.c_str());
}

template <typename T>
void Add(Registry &registry, const std::string &name)
{
   registry.fFactories[NormalizeTypeName(name)] = [] { return std::make_unique<TypedColumnStore<T>>(); };
   registry.fFactories[NormalizeTypeName("ROOT::VecOps::RVec<" + name + ">")] = [] {
      return std::make_unique<TypedColumnStore<ROOT::VecOps::RVec<T>>>();
   };
}

Registry &GetRegistry()
{
   static Registry registry;
   static const bool isFilled = [] {
#define FLASHSIM_TYPE(enumerator, name, type) Add<type>(registry, #type);
      FLASHSIM_VALUE_TYPES(FLASHSIM_TYPE)
#undef FLASHSIM_TYPE
      // Other types that the columns of a dataset may have.
      Add<char>(registry, "char");
      Add<long>(registry, "long");
      Add<unsigned long>(registry, "unsigned long");
      Add<long long>(registry, "long long");
      Add<unsigned long long>(registry, "unsigned long long");
      registry.fFactories["string"] =
          registry.fFactories["std::string"] = [] { return std::make_unique<TypedColumnStore<std::string>>(); };
      return true;
   }();
   (void)isFilled;
   return registry;
}

ColumnStoreFactory FindFactory(const std::string &typeName)
{
   auto &registry = GetRegistry();
   const std::lock_guard<std::mutex> lock(registry.fMutex);
   const auto found = registry.fFactories.find(NormalizeTypeName(typeName));
   return found == registry.fFactories.end() ? ColumnStoreFactory{} : found->second;
}

} // namespace

void RegisterColumnStore(const std::string &typeName, ColumnStoreFactory factory)
{
   auto &registry = GetRegistry();
   const std::lock_guard<std::mutex> lock(registry.fMutex);
   registry.fFactories[NormalizeTypeName(typeName)] = std::move(factory);
}

std::unique_ptr<ColumnStore> MakeColumnStore(const std::string &typeName, const std::string &column)
{
   auto factory = FindFactory(typeName);
   if (!factory) {
      // A type that only the interpreter knows: a class with a dictionary, an RVec of RVecs, ...
      const std::string code =
          "FlashSim::RegisterColumnStore(\"" + typeName +
          "\", [] { return std::unique_ptr<FlashSim::ColumnStore>(new FlashSim::TypedColumnStore<" + typeName +
          ">()); });";
      gInterpreter->ProcessLine(code.c_str());
      factory = FindFactory(typeName);
   }
   if (!factory) {
      throw std::runtime_error(
          "FlashSim: column '" + column + "' has type '" + typeName +
          "', which ROOT's interpreter cannot copy; drop the column upstream or load the type's dictionary.");
   }
   return factory();
}

} // namespace FlashSim
