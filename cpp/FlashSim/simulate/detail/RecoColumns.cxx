// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/RecoColumns.hxx"

#include <cctype>
#include <stdexcept>

namespace FlashSim {
namespace {

std::string BeginInLowerCase(std::string name)
{
   name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
   return name;
}

bool BeginsWith(const std::string &text, const std::string &beginning)
{
   return text.compare(0, beginning.size(), beginning) == 0;
}

/// \param[in] name of a branch, without that of a friend tree
bool BelongsToCollection(const std::string &name, const std::string &collection)
{
   return name == "n" + collection || BeginsWith(name, collection + "_") ||
          name.find("_" + BeginInLowerCase(collection) + "Idx") != std::string::npos;
}

} // namespace

RecoColumnNames::RecoColumnNames(const FlowContract &contract, const std::string &prefix)
   : fCollection(prefix + contract.fCollection)
{
   if (contract.fLevel == EModelLevel::kObject) {
      fCount = "n" + fCollection;
      fSourceIndex = fCollection + "_" + BeginInLowerCase(contract.fSource) + "Idx";
   }
   for (const auto &target : contract.fTarget)
      fTargets.push_back(fCollection + "_" + target.fName);
}

void CheckNamesAreFree(ROOT::RDF::RNode &node, const RecoColumnNames &names, const std::string &flow)
{
   auto all = names.fTargets;
   if (!names.fCount.empty())
      all.insert(all.end(), {names.fCount, names.fSourceIndex});
   for (const auto &name : all) {
      if (node.HasColumn(name)) {
         throw std::runtime_error("FlashSim: flow '" + flow + "' adds the column '" + name +
                                  "', which the dataframe already has. Give a prefix, as in prefix='Flash', to have "
                                  "both, or replace=True (in C++ fReplace) to hide the dataframe's collection " +
                                  names.fCollection + " behind FlashSim.");
      }
   }
}

std::vector<std::string> FindColumnsOfCollection(ROOT::RDF::RNode &node, const std::string &collection)
{
   // RDataFrame's prefix for the sizes of an RNTuple's collections.
   const std::string sizeOf = "R_rdf_sizeof_";
   std::vector<std::string> found;
   for (const auto &column : node.GetColumnNames()) {
      std::string name = column;
      if (BeginsWith(name, sizeOf))
         name = name.substr(sizeOf.size());
      // "friend.branch" or "branch.leaf"
      const auto dot = name.find('.');
      if (BelongsToCollection(name, collection) ||
          (dot != std::string::npos && BelongsToCollection(name.substr(dot + 1), collection)))
         found.push_back(column);
   }
   return found;
}

} // namespace FlashSim
