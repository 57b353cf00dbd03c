// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/IdentityColumns.hxx"

#include "FlashSim/lookahead/RootInternals.hxx"

#include <algorithm>
#include <stdexcept>

namespace FlashSim {

bool HasFolds(ROOT::RDF::RNode node)
{
   return std::all_of(kFoldColumns.begin(), kFoldColumns.end(),
                      [&node](const auto &column) { return node.HasColumn(column); });
}

std::vector<std::string> GetIdentityColumnsOfFiles(const ROOT::RDF::RNode &node)
{
   std::vector<std::string> columns;
   for (const auto &name : kIdentityColumns) {
      auto column = RootInternals::GetSourceColumn(node, name);
      if (!column.empty())
         columns.push_back(std::move(column));
   }
   return columns;
}

void CheckIdentity(ROOT::RDF::RNode node, const std::vector<PartialColumn> &partial)
{
   if (partial.empty())
      return;
   // If no file has all three columns, entry numbers identify events, for any first file.
   for (const auto &name : kIdentityColumns) {
      const auto isIt = [column = RootInternals::GetSourceColumn(node, name)](const auto &found) {
         return found.fColumn == column;
      };
      if (!node.HasColumn(name) && std::none_of(partial.begin(), partial.end(), isIt))
         return;
   }
   const auto &[column, with, without] = partial.front();
   throw std::runtime_error(
       "FlashSim: of the dataset's files, '" + with + "' has the column '" + column + "', and '" + without +
       "' lacks it. Random numbers depend on run, luminosityBlock and event where a dataset has "
       "them, and on entry numbers where not: expected the three in all files or in none. Simulate "
       "the files apart, or Define (Redefine) all three upstream.");
}

} // namespace FlashSim
