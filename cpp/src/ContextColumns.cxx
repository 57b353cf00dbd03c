// Part of FlashSim for RDataFrame.
#include "ContextColumns.hxx"

#include "FlashSim/FoldSource.hxx"
#include "RootInternals.hxx"

#include <algorithm>
#include <cctype>
#include <set>
#include <stdexcept>

namespace FlashSim {
namespace {

/// The columns of a collection, for messages.
std::string ListColumns(ROOT::RDF::RNode &node, const std::string &collection)
{
   std::string list;
   for (const auto &column : node.GetColumnNames()) {
      if (column.rfind(collection + "_", 0) == 0 && column.find('.') == std::string::npos)
         list += (list.empty() ? "" : ", ") + column;
   }
   return list.empty() ? "The dataframe has no column '" + collection + "_...'." : "It has " + list + ".";
}

std::string DefineContext(ROOT::RDF::RNode &node, const FlowContract &contract, const std::string &variable,
                          const std::string &expression)
{
   if (node.HasColumn(expression))
      return expression;
   const std::string column = kHiddenColumnPrefix + contract.fName + "_" + variable;
   std::string name;
   for (const unsigned char c : column)
      name += std::isalnum(c) || c == '_' ? static_cast<char>(c) : '_';
   try {
      node = node.Define(name, expression);
   } catch (const std::exception &error) {
      throw std::runtime_error("FlashSim: the expression '" + expression + "', given for context variable '" +
                               variable + "' of flow '" + contract.fName + "', is not valid: " + error.what());
   }
   return name;
}

} // namespace

ContextColumns ResolveContext(ROOT::RDF::RNode node, const std::vector<std::shared_ptr<const Flow>> &flows,
                              const std::map<std::string, std::string> &context)
{
   ContextColumns result{std::move(node), {}};
   std::set<std::string> usedKeys;
   for (const auto &flow : flows) {
      const auto &contract = flow->GetContract();
      std::vector<std::string> columns;
      for (const auto &variable : contract.fContext) {
         std::string column = contract.fSource + "_" + variable.fName;
         bool isGiven = false;
         for (const auto &key : {contract.fName + "." + variable.fName, variable.fName}) {
            const auto found = context.find(key);
            if (found == context.end())
               continue;
            usedKeys.insert(key);
            if (!isGiven)
               column = DefineContext(result.fNode, contract, variable.fName, found->second);
            isGiven = true;
         }
         if (!result.fNode.HasColumn(column)) {
            throw std::runtime_error(
                "FlashSim: flow '" + contract.fName + "' takes '" + variable.fName + "' from column '" + column +
                "', which the dataframe does not have. " + ListColumns(result.fNode, contract.fSource) +
                " Say where it comes from with an expression, as in context={'" + variable.fName + "': '...'}.");
         }
         if (const auto variations = RootInternals::GetVariations(result.fNode, column); !variations.empty()) {
            throw std::runtime_error(
                "FlashSim: column '" + column + "', context variable '" + variable.fName + "' of flow '" +
                contract.fName + "', is varied upstream ('" + variations.front() +
                "', ...), and a systematic variation does not cross FlashSim. Vary the result instead, or "
                "run FlashSim once for each variation.");
         }
         columns.push_back(column);
      }
      result.fColumns.push_back(std::move(columns));
   }
   for (const auto &entry : context) {
      if (usedKeys.count(entry.first) != 0)
         continue;
      std::string known;
      for (const auto &flow : flows) {
         for (const auto &variable : flow->GetContract().fContext)
            known += (known.empty() ? "" : ", ") + variable.fName;
      }
      throw std::runtime_error("FlashSim: context has the key '" + entry.first +
                               "', which is no context variable; there are " + known + ".");
   }
   return result;
}

RecoColumnNames::RecoColumnNames(const FlowContract &contract, const std::string &prefix)
{
   const std::string collection = prefix + contract.fCollection;
   std::string source = contract.fSource;
   source[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(source[0])));
   fCount = "n" + collection;
   fSourceIndex = collection + "_" + source + "Idx";
   for (const auto &target : contract.fTarget)
      fTargets.push_back(collection + "_" + target.fName);
}

void CheckNamesAreFree(ROOT::RDF::RNode &node, const RecoColumnNames &names, const std::string &flow)
{
   auto all = names.fTargets;
   all.push_back(names.fCount);
   all.push_back(names.fSourceIndex);
   for (const auto &name : all) {
      if (node.HasColumn(name)) {
         throw std::runtime_error(
             "FlashSim: flow '" + flow + "' adds the column '" + name +
             "', which the dataframe already has. Give a prefix, as in prefix='Flash', to have both.");
      }
   }
}

} // namespace FlashSim
